//! Time as text, both ways.

use keys::outside::{Clock as _, Random as _, SystemClock, SystemRandom, Timestamp};

#[test]
fn times_are_written_and_read_as_rfc_3339() {
    let cases = [
        (0, "1970-01-01T00:00:00Z", "1970-01-01"),
        (951_782_400, "2000-02-29T00:00:00Z", "2000-02-29"),
        (1_795_472_999, "2026-11-23T22:29:59Z", "2026-11-23"),
        (Timestamp::MAX.0, "9999-12-31T23:59:59Z", "9999-12-31"),
    ];
    for (seconds, text, date) in cases {
        assert_eq!(Timestamp(seconds).to_rfc3339(), text);
        assert_eq!(Timestamp(seconds).to_date(), date);
        assert_eq!(Timestamp::from_rfc3339(text), Some(Timestamp(seconds)));
    }
}

#[test]
fn times_of_other_zones_and_fractions_are_read() {
    let moment = Timestamp::from_rfc3339("2026-11-23T22:29:59Z");
    assert_eq!(Timestamp::from_rfc3339("2026-11-23T23:29:59+01:00"), moment);
    assert_eq!(Timestamp::from_rfc3339("2026-11-23T22:29:59.999Z"), moment);
}

#[test]
fn what_is_no_time_is_refused() {
    for text in ["", "2026-11-23", "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "1795472999"] {
        assert_eq!(Timestamp::from_rfc3339(text), None, "{text}");
    }
}

#[test]
fn times_never_overflow() {
    assert_eq!(Timestamp(u64::MAX).plus(1), Timestamp(u64::MAX));
    assert_eq!(Timestamp(1).minus(2), Timestamp(0));
    assert_eq!(Timestamp(u64::MAX).to_rfc3339(), "9999-12-31T23:59:59Z");
}

#[test]
fn the_machine_has_a_clock_and_randomness() {
    assert!(SystemClock.now() > Timestamp(1_700_000_000));
    let (mut first, mut second) = ([0; 32], [0; 32]);
    SystemRandom.fill(&mut first);
    SystemRandom.fill(&mut second);
    assert_ne!(first, second);
}
