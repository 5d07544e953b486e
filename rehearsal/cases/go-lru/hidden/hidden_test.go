package lru

import "testing"

func TestPutReplaces(t *testing.T) {
	c := New(2)
	c.Put("a", 1)
	for i := 0; i < 10; i++ {
		c.Put("b", i)
	}
	if c.Len() != 2 {
		t.Fatalf("%d entries", c.Len())
	}
	if v, ok := c.Get("a"); !ok || v != 1 {
		t.Fatalf("a: %d %v", v, ok)
	}
	if v, ok := c.Get("b"); !ok || v != 9 {
		t.Fatalf("b: %d %v", v, ok)
	}
}

func TestPutOfWhatIsThereCountsAsUse(t *testing.T) {
	c := New(2)
	c.Put("a", 1)
	c.Put("b", 2)
	c.Put("a", 3)
	c.Put("c", 4)
	if _, ok := c.Get("b"); ok {
		t.Fatal("b is still there")
	}
	if v, ok := c.Get("a"); !ok || v != 3 {
		t.Fatalf("a: %d %v", v, ok)
	}
}

func TestHoldsNothing(t *testing.T) {
	c := New(0)
	c.Put("a", 1)
	c.Put("a", 2)
	if _, ok := c.Get("a"); ok || c.Len() != 0 {
		t.Fatalf("%d entries", c.Len())
	}
}
