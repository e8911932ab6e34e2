"""GGUF: facts of real files in every version and byte order, and headers that lie."""

from __future__ import annotations

import struct

import pytest

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.jinja import judge_template
from support.models_fixtures import gguf_bytes
from support.models_streams import facts_of, ids_of, look, seen


class Writer:
    """Writes any GGUF, right or wrong."""

    def __init__(self, version: int = 3, order: str = "<") -> None:
        self.version, self.order = version, order
        self.pairs: list[bytes] = []
        self.tensors: list[bytes] = []

    def number(self, code: str, value: float) -> bytes:
        return struct.pack(self.order + code, value)

    def length(self, value: int) -> bytes:
        return self.number("I" if self.version == 1 else "Q", value)

    def text(self, value: str) -> bytes:
        return self.length(len(value.encode())) + value.encode()

    def pair(self, key: str, kind: int, value: bytes) -> None:
        self.pairs.append(self.text(key) + self.number("I", kind) + value)

    def array(self, key: str, kind: int, count: int, values: bytes) -> None:
        self.pair(key, 9, self.number("I", kind) + self.length(count) + values)

    def tensor(self, name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> None:
        self.tensors.append(
            self.text(name) + self.number("I", len(shape)) + b"".join(map(self.length, shape))
            + self.number("I", kind) + self.number("Q", offset)
        )  # fmt: skip

    def done(
        self, data: bytes = b"", tensors: int | None = None, pairs: int | None = None
    ) -> bytes:
        out = b"GGUF" + self.number("I", self.version)
        out += self.length(len(self.tensors) if tensors is None else tensors)
        out += self.length(len(self.pairs) if pairs is None else pairs)
        out += b"".join(self.pairs) + b"".join(self.tensors)
        return out + bytes(-len(out) % 32) + data


def test_what_the_library_writes() -> None:
    file = seen("m.gguf", gguf_bytes(template="{{ messages[0].content }}"))

    assert (file.format, file.safety.verdict) == ("gguf", Verdict.SAFE)
    facts = facts_of(file)
    assert facts[v.NAME] == "Tiny Llama"
    assert facts[v.ARCHITECTURE_FAMILY] == "llama"
    assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (544, 2, "F32")
    assert (facts[v.CONTEXT_LENGTH], facts[v.VOCABULARY_SIZE]) == (4096, 4)
    assert (facts[v.QUANTIZATION], facts[v.LICENSE]) == ("Q4_K_M", "MIT")
    assert facts[v.TAGS] == ["tiny", "test"]
    assert facts[v.FORMAT_VERSION] == "3"


def test_a_part_of_a_split_file() -> None:
    facts = facts_of(seen("m-00002-of-00003.gguf", gguf_bytes(split=(1, 3))))

    assert (facts[v.SHARD_NUMBER], facts[v.SHARD_COUNT]) == (2, 3)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_versions_and_byte_orders(version: int, order: str) -> None:
    writer = Writer(version, order)
    writer.pair("general.name", 8, writer.text("Old"))
    writer.pair("general.architecture", 8, writer.text("gpt2"))
    writer.pair("gpt2.context_length", 4, writer.number("I", 1024))
    writer.pair("gpt2.embedding_length", 4, writer.number("I", 768))
    writer.pair("gpt2.attention.head_count", 4, writer.number("I", 12))
    writer.pair("general.quantization_version", 4, writer.number("I", 2))
    for kind, code in enumerate("BbHhIif?"):
        writer.pair(f"number.{kind}", kind, writer.number(code, 1))
    for kind, code in ((10, "Q"), (11, "q"), (12, "d")):
        writer.pair(f"number.{kind}", kind, writer.number(code, 1))
    writer.array("numbers", 6, 3, writer.number("f", 1) * 3)
    writer.array("tokenizer.ggml.tokens", 8, 2, writer.text("a") + writer.text("b" * 70_000))
    writer.array("general.languages", 8, 2, writer.text("en") + writer.text("de"))
    writer.tensor("a", (4, 2), 1)
    file = seen("m.gguf", writer.done(bytes(16)))

    assert file.safety.verdict is Verdict.SAFE, file.safety
    facts = facts_of(file)
    assert (facts[v.NAME], facts[v.CONTEXT_LENGTH]) == ("Old", 1024)
    assert (facts[v.EMBEDDING_LENGTH], facts[v.HEAD_COUNT]) == (768, 12)
    assert facts[v.QUANTIZATION_VERSION] == 2
    assert (facts[v.PARAMETERS], facts[v.DTYPE]) == (8, "F16")
    assert (facts[v.VOCABULARY_SIZE], facts[v.LANGUAGES]) == (2, ["en", "de"])


def test_quantised_tensors_are_counted_by_blocks() -> None:
    writer = Writer()
    writer.tensor("a", (256, 2), 12)

    assert seen("m.gguf", writer.done(bytes(288))).safety.verdict is Verdict.SAFE
    assert ids_of(seen("m.gguf", writer.done(bytes(287)))) == {"gguf-out-of-bounds"}


def hostile() -> dict[str, bytes]:
    made = {}
    for name, tensors, pairs in (
        ("2^60 keys", 0, 1 << 60), ("2^60 tensors", 1 << 60, 0),
        ("many keys", 0, LIMITS.gguf_metadata_entries),
    ):  # fmt: skip
        made[name] = Writer().done(bytes(64), tensors=tensors, pairs=pairs)
    for name, key in (
        ("endless key", struct.pack("<Q", 1 << 60)), ("long key", struct.pack("<Q", 65_536) + b"a")
    ):  # fmt: skip
        writer = Writer()
        writer.pairs.append(key)
        made[name] = writer.done(bytes(64))
    for name, kind, value in (
        ("endless text", 8, struct.pack("<Q", 1 << 60)),
        ("text beyond the bound", 8, struct.pack("<Q", LIMITS.gguf_string + 1)),
        ("unknown type", 99, b""),
        ("array of 2^60", 9, struct.pack("<IQ", 4, 1 << 60)),
        ("array of arrays", 9, struct.pack("<IQ", 9, 1)),
        ("array of nothing known", 9, struct.pack("<IQ", 77, 1)),
        ("array beyond the file", 9, struct.pack("<IQ", 4, 1_000_000)),
        ("texts beyond the file", 9, struct.pack("<IQ", 8, 1_000_000)),
        ("text in an array too long", 9, struct.pack("<IQQ", 8, 1, 1 << 60)),
    ):
        writer = Writer()
        writer.pair("x", kind, value)
        made[name] = writer.done(bytes(64))
    writer = Writer()
    writer.tensor("a", (1,) * 9)
    made["nine dimensions"] = writer.done(bytes(64))
    writer = Writer()
    writer.tensors.append(struct.pack("<Q", 1 << 60))
    made["endless tensor name"] = writer.done(bytes(64))
    writer = Writer()
    writer.pair("general.alignment", 4, struct.pack("<I", 1 << 30))
    made["alignment"] = writer.done(bytes(64))
    made["version 4"] = Writer(4).done()
    made["version 0"] = Writer(0).done()
    made["magic only"] = b"GGUF"
    return made


@pytest.mark.parametrize("name", hostile())
def test_hostile_headers_are_unscannable(name: str) -> None:
    file = seen("m.gguf", hostile()[name])

    assert file.safety.verdict is Verdict.UNSCANNABLE
    assert file.format == "gguf"


def test_arrays_have_a_bound_together() -> None:
    writer = Writer()
    for number in range(5):
        writer.array(f"a{number}", 0, LIMITS.gguf_array_elements // 4, b"")

    data = writer.done(bytes(LIMITS.gguf_array_elements // 4 + 99))
    writer.pairs.pop()
    whole = b"".join(one + bytes(LIMITS.gguf_array_elements // 4) for one in writer.pairs)
    writer.pairs = [whole]

    assert seen("m.gguf", data).safety.verdict is Verdict.UNSCANNABLE
    assert seen("m.gguf", writer.done(pairs=4)).safety.verdict is Verdict.SAFE
    writer.array("one more", 0, 1, b"x")
    (finding,) = seen("m.gguf", writer.done(pairs=5)).safety.findings
    assert "one more is an array of 1" in finding.message


def test_a_tensor_outside_of_the_file() -> None:
    writer = Writer()
    writer.tensor("a", (1 << 40, 1 << 40), 0, 1 << 62)
    file = seen("m.gguf", writer.done(bytes(64)))

    assert ids_of(file) == {"gguf-out-of-bounds"}
    assert facts_of(file)[v.PARAMETERS] == 1 << 63


def test_an_unknown_type_of_tensor_is_a_warning() -> None:
    writer = Writer()
    writer.tensor("a", (4,), 4711)
    file = seen("m.gguf", writer.done(bytes(64)))

    assert ids_of(file) == {"gguf-unknown-type"}
    assert facts_of(file)[v.DTYPE] == "unknown"


def test_a_key_twice() -> None:
    writer = Writer()
    for template in ("{{ ok }}", "{{ ok.too }}"):
        writer.pair("tokenizer.chat_template", 8, writer.text(template))

    assert ids_of(seen("m.gguf", writer.done())) == {"gguf-duplicate-key"}


def test_truncation_is_never_safe() -> None:
    data = gguf_bytes(template="{{ x }}")
    for size in range(4, len(data), 3):
        found = look("m.gguf", data[:size])
        assert found is not None
        assert found.safety.verdict is Verdict.UNSCANNABLE, size


DANGEROUS = {
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "by item": "{{ x['__class__'] }}",
    "by filter": "{{ x|attr('a') }}",
    "in parts": "{{ x['__cla' ~ 'ss__'] }}",
    "repeated": "{{ x['_'*2 ~ 'class'] }}",
    "formatted": "{{ x['%cclass' % 95] }}",
    "escaped": r"{{ x['\x5f\x5fclass'] }}",
    "escaped wide": r"{{ x['\u005fclass'] }}",
    "globals of Jinja": "{{ cycler.next }}",
    "in a statement": "{% set y = lipsum.x %}",
    "include": "{% include 'x' %}",
    "import": "{% import '/etc/passwd' as y %}",
    "system": "{{ os.system('id') }}",
    "behind a closing in a string": "{{ '}}' ~ x.__class__ }}",
    "behind a closing in a raw block": '{% raw %}{{ " {% endraw %}{{ "}}" ~ x.__init__ }}',
    "unclosed": "{{ x.__class__",
    "upper case": "{{ x.__CLASS__ }}",
    "text that is set": "{% set a %}__class__{% endset %}{{ x[a] }}",
    "text of a macro": "{% macro a() %}{% if y %}__class__{% endif %}{% endmacro %}{{ x[a()] }}",
    "what a macro prints": "{% macro a() %}{{ '__class__' }}{% endmacro %}{{ x[a()] }}",
    "text of a call": "{% call f() %}__class__{% endcall %}",
    "text of a filter": "{% filter f %}__class__{% endfilter %}",
    "text of a block": "{% block a %}__class__{% endblock %}{{ x[self.a()] }}",
    "a loop that calls itself": "{% for y in z recursive %}__class__{{ x[loop(y)] }}{% endfor %}",
    "a literal that is set": "{% set a = '__class__' %}{{ x[a] }}",
    "a literal in brackets": "{{ x['a' if y else '__class__'] }}",
    "a literal in a loop": "{% for a in '__class__' %}{% endfor %}",
    "a literal that is filtered": "{{ '__class__' | f }}",
    "a literal in a call": "{{ f('__class__') }}",
    "behind what no lexer takes": "{{ ) }} __class__ {{ x }}",
    "behind a statement of nobody": "{% trans %}__class__{% endtrans %}",
    "frames": "{{ g.gi_frame.f_builtins }}",
}
HARMLESS = {
    "loop": "{% for m in messages %}{{ m['role'] + ': ' + m.content | trim }}{% endfor %}",
    "prose": "You may import things, eval code and exec(it). {{ x }} Use os and include files.",
    "special tokens": "{{ '<|start_header_id|>' + role + '<|end_header_id|>' }}",
    "error": "{{ raise_exception('Only user and assistant roles are supported!') }}",
    "time": "{{ strftime_now('%d %b %Y') }}",
    "macro": "{% macro f(x) %}{{ x|tojson(indent=4) }}{% endmacro %}{{ f(tools) }}",
    "namespace": "{% set ns = namespace(found=false) %}{% set ns.found = true %}",
    "underscores": "{{ system_prompt_ }} {{ '_' }} _private_",
    "dunders in prose": "Write __init__ and os.system(x) for {{ x }}, {# __doc__ #} __x__",
    "dunders that are printed": "{{- '__start__' + x.y ~ \"__end__\" -}}",
    "dunders that are asked for": "{% if '__media__' in x.y %}a{% elif x == '__y__' %}b{% endif %}",
    "dunders in a loop": "{% for x in y %}{% if x %}__x__{% endif %}{{ x }}{% endfor %}",
    "dunders behind a macro": "{% macro f(x) %}{{ x }}{% endmacro %}__x__ {{ f('y') }}",
}


@pytest.mark.parametrize("template", DANGEROUS.values(), ids=DANGEROUS)
def test_templates_that_reach_for_the_interpreter(template: str) -> None:
    file = seen("m.gguf", gguf_bytes(template=template))

    assert file.safety.verdict is Verdict.DANGEROUS
    assert ids_of(file) == {"gguf-template"}


@pytest.mark.parametrize("template", HARMLESS.values(), ids=HARMLESS)
def test_templates_for_chat(template: str) -> None:
    assert judge_template(template) is None


def test_a_further_template_is_judged_too() -> None:
    writer = Writer()
    writer.pair("tokenizer.chat_template.tool_use", 8, writer.text(DANGEROUS["classes"]))

    assert seen("m.gguf", writer.done()).safety.verdict is Verdict.DANGEROUS


def test_a_hostile_template_takes_no_time() -> None:
    assert judge_template("{{" * 500_000) is None
    assert judge_template("{{ _ }}" * 200_000) is None
    assert judge_template("{% if x %}" * 100_000) is None
    assert judge_template("{{ '" * 200_000) is None
