// Go's net/http at the other end of the HTTP/2 engine, without TLS: `nethttp server` echoes bodies, `nethttp client URL CALLS` has them echoed.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "client" {
		calls, err := strconv.Atoi(os.Args[3])
		check(err)
		client(os.Args[2], calls)
		return
	}
	server()
}

func http2() *http.Protocols {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &protocols
}

func server() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr())
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "x-end")
		io.Copy(w, r.Body)
		w.Header().Set("x-end", "yes")
	}
	check((&http.Server{Handler: http.HandlerFunc(echo), Protocols: http2()}).Serve(listener))
}

func client(url string, calls int) {
	peer := &http.Client{Transport: &http.Transport{Protocols: http2()}}
	var wait sync.WaitGroup
	for i := range calls {
		wait.Go(func() {
			body := bytes.Repeat([]byte("0123456789"), i*100)
			response, err := peer.Post(url, "text/plain", bytes.NewReader(body))
			check(err)
			echoed, err := io.ReadAll(response.Body)
			check(err)
			if !bytes.Equal(body, echoed) || response.ProtoMajor != 2 || response.Trailer.Get("x-end") != "yes" {
				check(fmt.Errorf("call %d: %d bytes of %d, %s, trailer %v", i, len(echoed), len(body), response.Proto, response.Trailer))
			}
		})
	}
	wait.Wait()
	fmt.Println(calls, "echoed")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
