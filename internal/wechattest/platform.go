package wechattest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
)

// tokenLasts is how long a token lasts, in seconds, unless TokensLast says otherwise.
const tokenLasts = 7200

// TokensLast sets how long tokens say that they last.
func (s *Server) TokensLast(seconds int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lasts = seconds
}

// EndToken ends the token of an app, as somebody who forces another one does.
func (s *Server) EndToken(appid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, appid)
}

// Risk has somebody held for so risky. Nobody else was seen within two hours.
func (s *Server) Risk(openid string, rank int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.risks[openid] = rank
}

// platform finds what answers a call that a server makes on its own account.
func (s *Server) platform(path string) func(http.ResponseWriter, *http.Request) {
	switch path {
	case "/cgi-bin/stable_token":
		return s.giveToken
	case "/wxa/getuserriskrank":
		return s.tellRisk
	}
	return nil
}

func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, known := s.secrets[in.AppID]
	switch {
	case r.Method != http.MethodPost:
		Refuse(43002, "require POST method")(w, r, s)
	case err != nil || in.GrantType != "client_credential":
		Refuse(40002, "invalid grant_type")(w, r, s)
	case !known:
		Refuse(40013, "invalid appid")(w, r, s)
	case in.Secret != secret:
		Refuse(40125, "invalid appsecret, view more at ...")(w, r, s)
	default:
		if s.tokens[in.AppID] == "" || in.Force {
			s.issued++
			s.tokens[in.AppID] = fmt.Sprintf("canary-token-%s-%d", in.AppID, s.issued)
		}
		give(w, r, s, map[string]any{"access_token": s.tokens[in.AppID], "expires_in": s.lasts})
	}
}

func (s *Server) tellRisk(w http.ResponseWriter, r *http.Request) {
	var in struct {
		AppID  string `json:"appid"`
		OpenID string `json:"openid"`
		Scene  int    `json:"scene"`
		Addr   string `json:"client_ip"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	_, noAddr := netip.ParseAddr(in.Addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	rank, seen := s.risks[in.OpenID]
	switch {
	case r.Method != http.MethodPost:
		Refuse(43302, "require POST method")(w, r, s)
	case err != nil || noAddr != nil || in.OpenID == "":
		Refuse(47001, "data format error")(w, r, s)
	case in.Scene != 0 && in.Scene != 1:
		Refuse(40129, "invalid scene")(w, r, s)
	case s.tokens[in.AppID] == "" || r.URL.Query().Get("access_token") != s.tokens[in.AppID]:
		Refuse(40001, "invalid credential, access_token is invalid or not latest")(w, r, s)
	case !seen:
		Refuse(61010, "code is expired")(w, r, s)
	default:
		give(w, r, s, map[string]any{"errcode": 0, "errmsg": "getuserriskrank succ", "risk_rank": rank, "unoin_id": 123456})
	}
}

func give(w http.ResponseWriter, r *http.Request, s *Server, body map[string]any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and numbers
	}
	Body(http.StatusOK, string(text))(w, r, s)
}
