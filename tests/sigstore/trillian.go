// A Trillian log in one process and in memory: log server, admin server and signer.
//
// Trillian's own programs share a database; this one puts the same servers over the storage that
// Trillian keeps in memory, so that a Rekor of the first version needs no database for a test.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
)

func main() {
	address := flag.String("rpc_endpoint", "127.0.0.1:8090", "where to listen")
	interval := flag.Duration("sequencer_interval", 50*time.Millisecond, "how often entries are put in")
	flag.Parse()

	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage:    memory.NewAdminStorage(trees),
		LogStorage:      memory.NewLogStorage(trees, nil),
		QuotaManager:    quota.Noop(),
		ElectionFactory: election2.NoopFactory{}, // nobody else wants to sign
	}
	operations := trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry:    registry,
		BatchSize:   100,
		NumWorkers:  1,
		RunInterval: *interval,
		TimeSource:  clock.System,
	}, trillianlog.NewSequencerManager(registry, 0))
	go operations.OperationLoop(context.Background())

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	rpc := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(rpc, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(rpc, server.NewTrillianLogRPCServer(registry, clock.System))
	log.Fatal(rpc.Serve(listener))
}
