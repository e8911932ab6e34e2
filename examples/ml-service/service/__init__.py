"""A small service that routes support tickets and tells what their attachments are."""
