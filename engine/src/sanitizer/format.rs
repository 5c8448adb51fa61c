//! The formats that are asserted, in every draft.

use std::net::{Ipv4Addr, Ipv6Addr};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A format of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// RFC 3339 `date-time`
    DateTime,
    /// RFC 3339 `full-date`
    Date,
    /// RFC 3339 `full-time`
    Time,
    /// RFC 2673 §3.2
    Ipv4,
    /// RFC 4291 §2.2
    Ipv6,
    /// RFC 4122
    Uuid,
    /// RFC 6901
    JsonPointer,
    /// RFC 3986, with a scheme
    Uri,
    /// RFC 3986, with or without a scheme
    UriReference,
}

impl Format {
    pub(super) const NAMES: [&'static str; 9] =
        ["date", "date-time", "ipv4", "ipv6", "json-pointer", "time", "uri", "uri-reference", "uuid"];

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "uuid" => Self::Uuid,
            "json-pointer" => Self::JsonPointer,
            "uri" => Self::Uri,
            "uri-reference" => Self::UriReference,
            _ => return None,
        })
    }

    pub(super) fn holds(self, text: &str) -> bool {
        match self {
            Self::DateTime => is_date_time(text),
            // a date is one with any time, and a time one at a day that may end with a leap second
            Self::Date => text.len() == 10 && is_date_time(&format!("{text}T00:00:00Z")),
            Self::Time => is_date_time(&format!("1972-12-31T{text}")),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Uuid => is_uuid(text),
            Self::JsonPointer => crate::pointer::Pointer::parse(text).is_some(),
            Self::Uri => fluent_uri::Uri::parse(text).is_ok(),
            Self::UriReference => fluent_uri::UriRef::parse(text).is_ok(),
        }
    }
}

fn is_date_time(text: &str) -> bool {
    // RFC 3339 §5.6 writes `T`; the parser also takes a space
    text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'T'))
        && OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[track_caller]
    fn check(format: &str, good: &[&str], bad: &[&str]) {
        let format = Format::by_name(format).unwrap();
        assert!(good.iter().all(|text| format.holds(text)), "{format:?}: {good:?}");
        assert!(!bad.iter().any(|text| format.holds(text)), "{format:?}: {bad:?}");
    }

    #[test]
    fn formats_hold() {
        check(
            "date-time",
            &["2026-11-23T10:00:00Z", "2026-11-23t10:00:00.5+01:00"],
            &["2026-11-23 10:00:00Z", "2026-02-30T10:00:00Z", "2026-11-23T10:00:00", "99999-01-01T00:00:00Z"],
        );
        check("date", &["2024-02-29"], &["2023-02-29", "2024-2-29"]);
        check("time", &["10:00:00Z", "23:59:60Z"], &["25:00:00Z", "10:00:00"]);
        check("ipv4", &["127.0.0.1"], &["127.0.0", "256.0.0.1", "01.0.0.1"]);
        check("ipv6", &["::1"], &["::1%eth0", "1"]);
        check("uuid", &["2eb8aa08-aa98-11ea-b4aa-73b441d16380"], &["2eb8aa08aa9811eab4aa73b441d16380"]);
        check("json-pointer", &["", "/a~0"], &["a", "/~"]);
        check("uri", &["https://shop.test/p/1?x#y", "urn:a:b"], &["/p/1", "https://shop.test/ a", "https://[x"]);
        check("uri-reference", &["/p/1", ""], &["/ a", "\\"]);
    }
}
