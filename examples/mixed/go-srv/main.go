// Command server is the Go half, in go-micro v2: greets, and asks the TypeScript half to.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/golang/protobuf/proto"
	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/broker/memory"
	"github.com/micro/go-micro/v2/client"
	grpcc "github.com/micro/go-micro/v2/client/grpc"
	"github.com/micro/go-micro/v2/registry"
	local "github.com/micro/go-micro/v2/registry/memory"
	"github.com/micro/go-micro/v2/server"
	grpcs "github.com/micro/go-micro/v2/server/grpc"
	"github.com/micro/go-plugins/registry/kubernetes/v2"
)

// HelloRequest is that of greeter.proto, as protoc-gen-go 1.3 writes it.
type HelloRequest struct {
	Name string `protobuf:"bytes,1,opt,name=name,proto3" json:"name"`
}

// HelloResponse is that of greeter.proto.
type HelloResponse struct {
	Greeting string `protobuf:"bytes,1,opt,name=greeting,proto3" json:"greeting"`
}

func (m *HelloRequest) Reset()          { *m = HelloRequest{} }
func (m *HelloRequest) String() string  { return proto.CompactTextString(m) }
func (*HelloRequest) ProtoMessage()     {}
func (m *HelloResponse) Reset()         { *m = HelloResponse{} }
func (m *HelloResponse) String() string { return proto.CompactTextString(m) }
func (*HelloResponse) ProtoMessage()    {}

// Greeter answers itself.
type Greeter struct{}

// Hello greets.
func (*Greeter) Hello(_ context.Context, request *HelloRequest, reply *HelloResponse) error {
	reply.Greeting = "Hello " + request.Name + "!"
	return nil
}

// Relay asks the other half.
type Relay struct{ client client.Client }

// Hello tells how the other half greets.
func (r *Relay) Hello(ctx context.Context, request *HelloRequest, reply *HelloResponse) error {
	var options []client.CallOption
	if address := os.Getenv("TS_SRV_ADDRESS"); address != "" {
		options = append(options, client.WithAddress(address))
	}
	var said HelloResponse
	if err := r.client.Call(ctx, r.client.NewRequest("ts-srv", "Greeter.Hello", request), &said, options...); err != nil {
		return err
	}
	reply.Greeting = "TypeScript says: " + said.Greeting
	return nil
}

// places is where services are found: in a cluster by their Pods.
func places() registry.Registry {
	if os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return local.NewRegistry()
	}
	return kubernetes.NewRegistry()
}

func main() {
	service := micro.NewService(
		micro.Broker(memory.NewBroker()),
		micro.Server(grpcs.NewServer(server.Address(":9100"), server.Name("go-micro-srv"))),
		micro.Client(grpcc.NewClient()),
		micro.Registry(places()),
	)
	service.Init()
	for _, handler := range []interface{}{new(Greeter), &Relay{service.Client()}} {
		if err := service.Server().Handle(service.Server().NewHandler(handler)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := service.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
