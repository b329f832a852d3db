package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go-micro.dev/v5/errors"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/server"
	pb "microrun/test/peers/greeterpb"
)

// Greeter is the handler: Greeter.Hello and the server stream Greeter.Stream.
type Greeter struct{}

// Hello greets, or does what the name asks for: err:CODE, err:plain, panic, sleep:DURATION, md:KEY (md:* is all).
func (*Greeter) Hello(ctx context.Context, request *pb.HelloRequest, reply *pb.HelloResponse) error {
	what, argument, _ := strings.Cut(request.Name, ":")
	switch what {
	case "err":
		if code, err := strconv.Atoi(argument); err == nil {
			return errors.New("greeter.Hello", "boom "+request.Name, int32(code))
		}
		return fmt.Errorf("%s boom", argument)
	case "panic":
		panic("ouch")
	case "sleep":
		duration, err := time.ParseDuration(argument)
		if err != nil {
			return err
		}
		if err := pause(ctx, duration); err != nil {
			return err
		}
	case "md":
		if argument == "*" {
			md, _ := metadata.FromContext(ctx)
			all, err := json.Marshal(md)
			reply.Greeting = string(all)
			return err
		}
		reply.Greeting, _ = metadata.Get(ctx, argument)
		return nil
	}
	reply.Greeting = "Hello " + request.Name
	return nil
}

// pause is where a handler sleeps: a cancelled caller ends it.
func pause(ctx context.Context, duration time.Duration) error {
	select {
	case <-time.After(duration):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stream sends count messages, numbered from 0; a negative count is an error after one message.
func (*Greeter) Stream(ctx context.Context, stream server.Stream) error {
	request := new(pb.StreamRequest)
	if err := stream.Recv(request); err != nil {
		return err
	}
	if request.Count < 0 {
		if err := stream.Send(new(pb.StreamResponse)); err != nil {
			return err
		}
		return errors.BadRequest("greeter.Stream", "negative count")
	}
	for i := range request.Count {
		if err := stream.Send(&pb.StreamResponse{Count: i}); err != nil {
			return err
		}
	}
	return nil
}
