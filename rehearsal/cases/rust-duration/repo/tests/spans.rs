use spans::{format, parse};

#[test]
fn writes_without_what_is_zero() {
    assert_eq!(format(90), "1m 30s");
    assert_eq!(format(86_400 + 3600), "1d 1h");
}

#[test]
fn reads_what_it_writes() {
    for seconds in [1, 59, 60, 90, 3599, 86_399, 90_061] {
        assert_eq!(parse(&format(seconds)), Some(seconds));
    }
}
