package main

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// fetch asks for what is not JSON.
func (a api) fetch(path string) (status int, kind string, body []byte) {
	a.t.Helper()
	if !strings.HasPrefix(path, a.base) {
		path = a.base + path
	}
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body
}

// TestCertificate follows a pledge from the pen to the certificate, through its code to
// the page where it is checked, and past the erasure of the name.
func TestCertificate(t *testing.T) {
	t.Parallel()
	s := start(t, demo(t))
	p := s.as("甲")
	const path = "/campaigns/" + demoCampaign
	const own = "/api/v1" + path + "/signatures/me/certificate"
	if status, _, body := p.fetch(own); status != 404 || !bytes.Contains(body, []byte("pledge.not_signed")) {
		t.Errorf("before the pledge: %d %s", status, body)
	}
	p.enrol(demoCampaign)
	p.want(201, "POST", path+"/signatures", map[string]any{
		"version": p.want(200, "GET", path+"/pledge", nil).text("version"), "method": "drawn", "name": "𠮷小明",
		"strokes": [][]map[string]float64{{{"x": 1, "y": 1, "t": 0}, {"x": 90, "y": 80, "t": 9}, {"x": 10, "y": 90, "t": 20}}, {{"x": 80, "y": 5, "t": 40}, {"x": 5, "y": 50, "t": 60}}},
	})
	var raw []byte
	p.eventually("the certificate", func() bool {
		status, kind, body := p.fetch(own)
		if status != 200 && status != 503 {
			t.Fatalf("certificate: %d %s", status, body)
		}
		raw = body
		return status == 200 && kind == "image/png"
	})
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, kind, page := s.fetch(code.GetText())
	if status != 200 || !strings.HasPrefix(kind, "text/html") || !bytes.Contains(page, []byte("有效")) || bytes.Contains(page, []byte("小明")) {
		t.Errorf("the page behind the code: %d %s", status, page)
	}

	p.want(202, "DELETE", "/participants/me", nil)
	p.eventually("the erasure", func() bool {
		status, _, page := s.fetch(code.GetText())
		if status != 200 || !bytes.Contains(page, []byte("匿名")) {
			return false
		}
		status, _, body := p.fetch(own)
		// Whoever was erased is signed out too, which every server knows within a second.
		return status == 401 || status == 409 && bytes.Contains(body, []byte("certificate.erased"))
	})
}
