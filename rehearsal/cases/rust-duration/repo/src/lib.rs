//! Spans of time as people write them: `1h 30m`, `45s`.

mod units;

use units::UNITS;

/// Writes a span, without what is zero: `90` is `1m 30s`.
pub fn format(seconds: u64) -> String {
    let mut left = seconds;
    let mut parts = Vec::new();
    for (name, size) in UNITS {
        let count = left / size;
        left %= size;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        }
    }
    parts.join(" ")
}

/// Reads what `format` writes. `None` where it is no such text.
pub fn parse(text: &str) -> Option<u64> {
    let mut total = 0;
    for part in text.split(' ') {
        let (number, name) = part.split_at(part.len() - 1);
        let (_, size) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        total += number.parse::<u64>().ok()? * size;
    }
    Some(total)
}
