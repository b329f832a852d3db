package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "microrun/test/peers/greeterpb"
)

// load makes unary calls, or with --kind=server reads whole streams, --concurrency at any time over --connections, and
// prints one JSON line: count (calls that ended, failed ones too), messages (received), errors by code, seconds, rate,
// and p50, p99, max in microseconds of the calls that succeeded; cpuUs is this process's own CPU time. Calls made during
// --warmup are not counted.
func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	connections := flags.Int("connections", 1, "connections")
	concurrency := flags.Int("concurrency", 50, "calls under way at any time, over all connections")
	duration := flags.Duration("duration", 5*time.Second, "how long to call")
	calls := flags.Int64("calls", 0, "calls to make, instead of --duration")
	warmup := flags.Duration("warmup", 0, "how long to call before counting")
	kindName := flags.String("kind", "unary", "unary or server")
	method := flags.String("method", "", "the full method (default the greeter's of that kind)")
	name := flags.String("name", "World", "the name to greet")
	size := flags.Int("size", 0, "bytes of a name made of x, instead of --name")
	deadline := flags.Duration("deadline", 0, "the deadline of each call (default none)")
	unique := flags.Bool("unique-metadata", false, "send a request id, traceparent and bearer that differ in each call")
	md := metadata.MD{}
	flags.Func("metadata", "k=v to send, repeatable; base64 for a -bin key", addPair(md))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *connections < 1 || *concurrency < *connections {
		return fmt.Errorf("load: want 1 <= --connections <= --concurrency\n%s", usage)
	}
	if *kindName != "unary" && *kindName != "server" {
		return fmt.Errorf("load: want --kind unary or server\n%s", usage)
	}
	if *method == "" {
		*method = "/greeter.Greeter/" + kinds[*kindName].method
	}
	if *size > 0 {
		*name = strings.Repeat("x", *size)
	}
	callOnce := invoke
	if *kindName == "server" {
		callOnce = readStream
	}
	pool := make([]*grpc.ClientConn, *connections)
	for i := range pool {
		connection, err := connect(*address)
		if err != nil {
			return err
		}
		defer connection.Close()
		pool[i] = connection
	}
	work := func(worker int, next func() (int64, bool)) samples {
		found := samples{errors: map[string]int{}}
		base := metadata.NewOutgoingContext(context.Background(), md)
		request, connection := &pb.HelloRequest{Name: *name}, pool[worker%len(pool)]
		for {
			call, more := next()
			if !more {
				return found
			}
			ctx, cancel := base, context.CancelFunc(func() {})
			if *unique {
				ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", strconv.FormatInt(call, 10),
					"traceparent", fmt.Sprintf("00-%032x-%016x-01", call+1, worker+1),
					"authorization", fmt.Sprintf("Bearer %064x", call+1))
			}
			if *deadline > 0 {
				ctx, cancel = context.WithTimeout(ctx, *deadline)
			}
			start := time.Now()
			messages, err := callOnce(ctx, connection, *method, request)
			found.messages += messages
			if err != nil {
				found.errors[status.Code(err).String()]++
				time.Sleep(time.Millisecond) // a server that is gone is no reason to burn the machine
			} else {
				found.micros = append(found.micros, int32(time.Since(start).Microseconds()))
			}
			cancel()
		}
	}
	if *warmup > 0 {
		gather(*concurrency, work, until(*warmup))
	}
	next := until(*duration)
	if *calls > 0 {
		var made atomic.Int64
		next = func() (int64, bool) { call := made.Add(1); return call, call <= *calls }
	}
	start, cpu := time.Now(), cpuMicros()
	all := gather(*concurrency, work, next)
	seconds := time.Since(start).Seconds()
	cpu = cpuMicros() - cpu

	slices.Sort(all.micros)
	count := len(all.micros)
	for _, failed := range all.errors {
		count += failed
	}
	return printJSON(map[string]any{
		"count": count, "messages": all.messages, "errors": all.errors, "seconds": seconds, "rate": float64(count) / seconds,
		"p50": all.at(0.50), "p99": all.at(0.99), "max": all.at(1), "cpuUs": cpu,
	})
}

// invoke makes one unary call and returns the messages received.
func invoke(ctx context.Context, connection *grpc.ClientConn, method string, request *pb.HelloRequest) (int64, error) {
	if err := connection.Invoke(ctx, method, request, new(pb.HelloResponse)); err != nil {
		return 0, err
	}
	return 1, nil
}

// readStream reads one server stream to its end and returns the messages received.
func readStream(ctx context.Context, connection *grpc.ClientConn, method string, request *pb.HelloRequest) (int64, error) {
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return 0, err
	}
	if stream.SendMsg(request) == nil {
		_ = stream.CloseSend()
	} // else RecvMsg has the reason
	reply := new(pb.HelloResponse)
	for messages := int64(0); ; messages++ {
		if err := stream.RecvMsg(reply); err == io.EOF {
			return messages, nil
		} else if err != nil {
			return messages, err
		}
	}
}

type samples struct {
	micros   []int32
	messages int64
	errors   map[string]int
}

// at is the smallest duration that the given share of the calls, sorted, did not exceed.
func (s samples) at(share float64) int32 {
	if len(s.micros) == 0 {
		return 0
	}
	return s.micros[max(0, min(len(s.micros)-1, int(share*float64(len(s.micros))+0.5)-1))]
}

// until counts calls for so long.
func until(duration time.Duration) func() (int64, bool) {
	var made atomic.Int64
	end := time.Now().Add(duration)
	return func() (int64, bool) { return made.Add(1), time.Now().Before(end) }
}

func gather(workers int, work func(int, func() (int64, bool)) samples, next func() (int64, bool)) samples {
	found := make([]samples, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() { found[worker] = work(worker, next) })
	}
	group.Wait()
	all := samples{errors: map[string]int{}}
	for _, one := range found {
		all.micros = append(all.micros, one.micros...)
		all.messages += one.messages
		for code, failed := range one.errors {
			all.errors[code] += failed
		}
	}
	return all
}

func cpuMicros() int64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return used.Utime.Nano()/1000 + used.Stime.Nano()/1000
}
