package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/micro/go-micro/v2/errors"
	"github.com/micro/go-micro/v2/metadata"
	"github.com/micro/go-micro/v2/server"
)

// Greeter is the handler: Greeter.Hello and the server stream Greeter.Stream.
type Greeter struct{}

// Hello greets, or does what the name asks for: err:CODE, err:plain, panic, sleep:DURATION, md:KEY (md:* is all).
func (*Greeter) Hello(ctx context.Context, request *HelloRequest, reply *HelloResponse) error {
	what, argument := request.Name, ""
	if colon := strings.Index(what, ":"); colon >= 0 {
		what, argument = what[:colon], what[colon+1:]
	}
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
	request := new(StreamRequest)
	if err := stream.Recv(request); err != nil {
		return err
	}
	if request.Count < 0 {
		if err := stream.Send(&StreamResponse{}); err != nil {
			return err
		}
		return errors.BadRequest("greeter.Stream", "negative count")
	}
	for i := int64(0); i < request.Count; i++ {
		if err := stream.Send(&StreamResponse{Count: i}); err != nil {
			return err
		}
	}
	return nil
}

// The messages, as golang/protobuf 1.3 reads them: by their tags.
type (
	HelloRequest struct {
		Name string `protobuf:"bytes,1,opt,name=name,proto3" json:"name"`
	}
	HelloResponse struct {
		Greeting string `protobuf:"bytes,1,opt,name=greeting,proto3" json:"greeting"`
	}
	StreamRequest struct {
		Count int64 `protobuf:"varint,1,opt,name=count,proto3" json:"count"`
	}
	StreamResponse struct {
		Count int64 `protobuf:"varint,1,opt,name=count,proto3" json:"count"`
	}
)

func (m *HelloRequest) Reset()           { *m = HelloRequest{} }
func (m *HelloRequest) String() string   { return proto.CompactTextString(m) }
func (*HelloRequest) ProtoMessage()      {}
func (m *HelloResponse) Reset()          { *m = HelloResponse{} }
func (m *HelloResponse) String() string  { return proto.CompactTextString(m) }
func (*HelloResponse) ProtoMessage()     {}
func (m *StreamRequest) Reset()          { *m = StreamRequest{} }
func (m *StreamRequest) String() string  { return proto.CompactTextString(m) }
func (*StreamRequest) ProtoMessage()     {}
func (m *StreamResponse) Reset()         { *m = StreamResponse{} }
func (m *StreamResponse) String() string { return proto.CompactTextString(m) }
func (*StreamResponse) ProtoMessage()    {}
