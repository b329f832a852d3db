// The Framer of golang.org/x/net/http2 as an oracle: reads conversations, each of a length in four bytes and frames, and
// prints what it makes of each as a line of JSON.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	maxFrameBytes      = 16_384
	maxHeaderListBytes = 65_536
	tableBytes         = 4_096
)

// seen is a frame, or what was wrong with it: "stream" or "connection", after which nothing is read.
type seen struct {
	Type   string   `json:"type"`
	Stream uint32   `json:"stream"`
	Fields []string `json:"fields,omitempty"`
	Fault  string   `json:"fault,omitempty"`
	Why    string   `json:"why,omitempty"`
}

func main() {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var length uint32
		if err := binary.Read(in, binary.BigEndian, &length); err != nil {
			return
		}
		conversation := make([]byte, length)
		if _, err := io.ReadFull(in, conversation); err != nil {
			return
		}
		if out.Encode(read(conversation)) != nil {
			return
		}
	}
}

func read(conversation []byte) []seen {
	framer := http2.NewFramer(io.Discard, bytes.NewReader(conversation))
	framer.SetMaxReadFrameSize(maxFrameBytes)
	framer.ReadMetaHeaders = hpack.NewDecoder(tableBytes, nil)
	framer.MaxHeaderListSize = maxHeaderListBytes
	all := []seen{}
	for {
		frame, err := framer.ReadFrame()
		var stream http2.StreamError
		switch {
		case errors.As(err, &stream):
			all = append(all, seen{Stream: stream.StreamID, Fault: "stream", Why: err.Error()})
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return all // a frame that has not come to its end is no fault yet
		case err != nil:
			return append(all, seen{Fault: "connection", Why: fmt.Sprint(err, ": ", framer.ErrorDetail())})
		default:
			one := seen{Type: frame.Header().Type.String(), Stream: frame.Header().StreamID}
			if head, ok := frame.(*http2.MetaHeadersFrame); ok {
				for _, field := range head.Fields {
					one.Fields = append(one.Fields, latin1(field.Name), latin1(field.Value))
				}
			}
			all = append(all, one)
		}
	}
}

// latin1 has each byte as a character, so that JSON can carry it.
func latin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}
