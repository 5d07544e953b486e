use spans::{format, parse};

#[test]
fn nothing_is_zero_seconds() {
    assert_eq!(format(0), "0s");
    assert_eq!(parse("0s"), Some(0));
}

#[test]
fn what_is_no_span_is_none() {
    for text in ["", " ", "5µ", "µ", "s", "1h x", "-1s", "1.5h", "999999999999999999d", "18446744073709551615s 1s"] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn spaces_do_not_matter() {
    assert_eq!(parse("  1h   30m "), Some(5400));
}
