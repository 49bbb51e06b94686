use proptest::prelude::*;

use super::*;

fn utc(text: &str) -> String {
    format_timestamp(
        parse_timestamp(text)
            .unwrap_or_else(|| panic!("{text}"))
            .utc,
    )
}

#[test]
fn timestamps_are_read_to_the_microsecond() {
    assert_eq!(
        utc("2026-10-05T18:42:11.250+02:00"),
        "2026-10-05T16:42:11.250000Z"
    );
    assert_eq!(utc("2026-10-05t18:42:11z"), "2026-10-05T18:42:11.000000Z");
    assert_eq!(
        utc("2026-10-05T18:42:11.123456789Z"),
        "2026-10-05T18:42:11.123456Z"
    );
    assert_eq!(
        utc("2026-10-05T18:42:11,5-0330"),
        "2026-10-05T22:12:11.500000Z"
    );
    assert_eq!(utc("2026-10-05T18:42:11+02"), "2026-10-05T16:42:11.000000Z");
    assert_eq!(utc("2016-12-31T23:59:60.7Z"), "2017-01-01T00:00:00.000000Z");
    assert_eq!(
        utc("2017-01-01T05:29:60+05:30"),
        "2017-01-01T00:00:00.000000Z"
    );
    assert_eq!(utc("2016-12-31T18:59:60"), "2016-12-31T19:00:00.000000Z");
    assert_eq!(
        utc("2024-02-29T00:00:00+23:59"),
        "2024-02-28T00:01:00.000000Z"
    );
}

#[test]
fn a_missing_offset_is_seen() {
    let local = parse_timestamp("2026-10-05T18:42:11.5").unwrap();
    assert_eq!((local.has_offset, local.is_rfc3339), (false, false));
    let short = parse_timestamp("2026-10-05T18:42:11+0200").unwrap();
    assert_eq!((short.has_offset, short.is_rfc3339), (true, false));
    let comma = parse_timestamp("2026-10-05T18:42:11,5Z").unwrap();
    assert_eq!((comma.has_offset, comma.is_rfc3339), (true, false));
    let full = parse_timestamp("2026-10-05T18:42:11+00:00").unwrap();
    assert_eq!((full.has_offset, full.is_rfc3339), (true, true));
}

#[test]
fn what_is_no_timestamp() {
    for bad in [
        "",
        "hier",
        "2026-10-05",
        "2026-10-05 18:42:11Z",
        "2026-13-05T18:42:11Z",
        "2026-02-29T18:42:11Z",
        "2026-10-05T24:00:00Z",
        "2026-10-05T18:60:11Z",
        "2026-10-05T18:42:61Z",
        "2026-10-05T18:42:60Z",
        "2026-10-05T23:59:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-12-31T23:59:61Z",
        "2026-10-05T18:42:11.Z",
        "2026-10-05T18:42:11+2",
        "2026-10-05T18:42:11+24:00",
        "2026-10-05T18:42:11+02:60",
        "2026-10-05T18:42:11ZZ",
        "20261005T184211Z",
        "2026-10-05T18:42Z",
        "+2026-10-05T18:42:11Z",
        "2026-10-05T18:42:11é",
        "２026-10-05T18:42:11Z",
    ] {
        assert_eq!(check_timestamp(bad), Err(TimestampError::Format), "{bad}");
    }
    for minus_zero in ["-00:00", "-0000", "-00"] {
        let text = format!("2008-09-15T15:53:00.601{minus_zero}");
        assert_eq!(
            check_timestamp(&text),
            Err(TimestampError::MinusZeroOffset),
            "{text}"
        );
    }
}

#[test]
fn durations_have_a_length_when_their_units_do() {
    assert_eq!(duration_ms("PT12.4S"), Some(12_400));
    assert_eq!(duration_ms("PT4H35M59.14S"), Some(16_559_140));
    assert_eq!(duration_ms("PT16559.14S"), Some(16_559_140));
    assert_eq!(duration_ms("P4W"), Some(2_419_200_000));
    assert_eq!(duration_ms("P1DT0,5H"), Some(88_200_000));
    assert_eq!(duration_ms("PT0S"), Some(0));
    assert_eq!(duration_ms("P3Y1M29DT4H35M59.14S"), None);
    assert_eq!(duration_ms("P0Y"), None);
    assert_eq!(duration_ms("PT0.0009S"), Some(0));
    assert_eq!(duration_ms("P999999999999999W"), None);
}

#[test]
fn what_is_no_duration() {
    for bad in [
        "",
        "P",
        "PT",
        "P1",
        "1S",
        "PT1",
        "P1S",
        "PT1D",
        "P4W1D",
        "P1DT",
        "PT1.5H30M",
        "PT1M1H",
        "P-1D",
        "-P1D",
        "PT.5S",
        "PT1.S",
        "P1Y1Y",
        "PTT1S",
        "P1DT1HT1M",
        "P0003-01-29T04:35:59",
        "PA1H0M0S",
        "PT1s",
        "pt1S",
        "P1é",
        "P1W1W",
        "PT9999999999999999S",
    ] {
        assert_eq!(Duration::parse(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn an_instant_is_read_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
        let instant = DateTime::from_timestamp_micros(micros).unwrap();
        let read = parse_timestamp(&format_timestamp(instant)).unwrap();
        prop_assert_eq!(read, Timestamp { utc: instant, has_offset: true, is_rfc3339: true });
    }

    #[test]
    fn chrono_reads_the_same(micros in 0_i64..253_000_000_000_000_000, minutes in -1439_i32..1440) {
        let offset = chrono::FixedOffset::east_opt(minutes * 60).unwrap();
        let text = DateTime::from_timestamp_micros(micros).unwrap().with_timezone(&offset).to_rfc3339();
        prop_assert_eq!(parse_timestamp(&text).unwrap().utc.timestamp_micros(), micros);
    }

    #[test]
    fn milliseconds_are_read_back(millis in 0_u64..1_000_000_000_000_000) {
        prop_assert_eq!(duration_ms(&format_duration_ms(millis)), i64::try_from(millis).ok());
    }

    #[test]
    fn what_is_a_duration_is_written_and_read_the_same(text in "P([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,3}D)?(T([0-9]{1,3}H)?([0-9]{1,3}M)?([0-9]{1,3}([.,][0-9]{1,5})?S)?)?|P[0-9]{1,4}(\\.[0-9]{1,2})?W") {
        let empty_time = text.ends_with('T') || text == "P";
        let read = Duration::parse(&text);
        prop_assert_eq!(read.is_none(), empty_time, "{}", text);
        if let Some(duration) = read {
            prop_assert_eq!(Duration::parse(&duration.to_string()), Some(duration));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), like in "[0-9TPYMWDHS:.,+Z-]{0,40}") {
        for text in [text, like] {
            let _ = check_timestamp(&text);
            Duration::parse(&text).and_then(|duration| duration.millis());
        }
    }
}
