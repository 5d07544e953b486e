package limit

import (
	"testing"
	"time"
)

func TestBurst(t *testing.T) {
	start := time.Unix(0, 0)
	b := NewBucket(1, 2, start)
	if !b.Take(start) || !b.Take(start) {
		t.Fatal("two at once should go")
	}
	if b.Take(start) {
		t.Fatal("a third should not")
	}
}

func TestRefill(t *testing.T) {
	start := time.Unix(0, 0)
	b := NewBucket(2, 2, start)
	b.Take(start)
	b.Take(start)
	if !b.Take(start.Add(500 * time.Millisecond)) {
		t.Fatal("after half a second there is one again")
	}
}

func TestNeverMoreThanBurst(t *testing.T) {
	start := time.Unix(0, 0)
	b := NewBucket(10, 2, start)
	later := start.Add(time.Hour)
	for i := 0; i < 2; i++ {
		if !b.Take(later) {
			t.Fatal("two should go")
		}
	}
	if b.Take(later) {
		t.Fatal("a third should not")
	}
}
