// The interop server of grpc-go on loopback alone, which its own program cannot be told: `server [CERT KEY]` prints its address.
package main

import (
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	var options []grpc.ServerOption
	if len(os.Args) == 3 {
		tls, err := credentials.NewServerTLSFromFile(os.Args[1], os.Args[2])
		check(err)
		options = append(options, grpc.Creds(tls))
	}
	server := grpc.NewServer(options...)
	testgrpc.RegisterTestServiceServer(server, interop.NewTestServer())
	fmt.Println(listener.Addr())
	check(server.Serve(listener))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
