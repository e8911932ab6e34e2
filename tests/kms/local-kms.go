// The server local-kms, on loopback only: its own start listens on every address of the machine.
// Built by `tools/gotools.py install local-kms`, which puts this file in the place of that one.
//
// KMS_PORT and KMS_DATA_PATH are needed; KMS_REGION and KMS_ACCOUNT_ID are what ARNs say.
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	"github.com/nsmithuk/local-kms/src"
	"github.com/nsmithuk/local-kms/src/config"
	"github.com/nsmithuk/local-kms/src/data"
)

func main() {
	config.AWSRegion = os.Getenv("KMS_REGION")
	config.AWSAccountId = os.Getenv("KMS_ACCOUNT_ID")
	config.DatabasePath = os.Getenv("KMS_DATA_PATH")
	database := data.NewDatabase(config.DatabasePath)
	defer database.Close()
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("KMS_PORT")))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { src.HandleRequest(w, r, database) })))
}
