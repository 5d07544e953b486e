package limit

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

var fine = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

func TestAnswers(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(fine).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got %d", w.Code)
	}
}
