//! The formats that are asserted, in every draft.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr as _;
use std::sync::LazyLock;

use email_address::EmailAddress;
use regex::Regex;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ecma::is_pattern;
use super::idn;
use crate::instant::{self, Millis, Rounding};
use crate::json::{Json, View};

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
    /// RFC 3987, with a scheme
    Iri,
    /// RFC 3987, with or without a scheme
    IriReference,
    /// RFC 6570
    UriTemplate,
    /// RFC 5321 §4.1.2
    Email,
    /// RFC 6531 §3.3
    IdnEmail,
    /// RFC 1123 §2.1
    Hostname,
    /// RFC 5890 §2.3.2.3
    IdnHostname,
    /// RFC 3339, appendix A
    Duration,
    /// draft-bhutton-relative-json-pointer
    RelativeJsonPointer,
    /// ECMA-262
    Regex,
}

impl Format {
    pub(super) const NAMES: [&'static str; 19] = [
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "idn-email",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "iri",
        "iri-reference",
        "json-pointer",
        "regex",
        "relative-json-pointer",
        "time",
        "uri",
        "uri-reference",
        "uri-template",
        "uuid",
    ];

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
            "iri" => Self::Iri,
            "iri-reference" => Self::IriReference,
            "uri-template" => Self::UriTemplate,
            "email" => Self::Email,
            "hostname" => Self::Hostname,
            "idn-email" => Self::IdnEmail,
            "idn-hostname" => Self::IdnHostname,
            "duration" => Self::Duration,
            "relative-json-pointer" => Self::RelativeJsonPointer,
            "regex" => Self::Regex,
            _ => return None,
        })
    }

    /// The names of all formats, each with a text that has it.
    pub(super) fn examples() -> Vec<(&'static str, String)> {
        const NOW: Millis = 1_795_428_000_000;
        let example = |name| Self::by_name(name).and_then(|format: Self| format.samples(NOW).into_iter().next());
        Self::NAMES.into_iter().filter_map(|name| Some((name, example(name)?))).collect()
    }

    /// Texts of this format, times around `now`.
    pub(super) fn samples(self, now: Millis) -> Vec<String> {
        let times = |hours: [i64; 4], length: usize| {
            let at = hours.map(|hours| now + hours * 3_600_000);
            let written = at.map(|at| instant::written_like(at, View::Built(&Json::Null), Rounding::Down));
            written.iter().map(|one| one.view().word().chars().take(length).collect()).collect()
        };
        let all: &[&str] = match self {
            Self::DateTime => return times([26, 0, -1, -26], usize::MAX),
            Self::Date => return times([50, 26, 0, -26], "2026-11-22".len()),
            Self::Time => &["10:00:00Z", "23:59:59Z", "00:00:00.5+01:00", "12:30:00-08:00"],
            Self::Ipv4 => &["192.0.2.1", "192.0.2.2", "10.0.0.1", "255.255.255.255"],
            Self::Ipv6 => &["2001:db8::1", "2001:db8::2", "::", "fe80::1"],
            Self::Uuid => &[
                "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
                "2eb8aa08-aa98-41ea-b4aa-73b441d16381",
                "00000000-0000-0000-0000-000000000000",
            ],
            Self::JsonPointer => &["", "/a", "/a/b~1c", "/0"],
            Self::Uri | Self::Iri => &["https://shop.test/a", "https://shop.test/b?c=d", "http://a.test", "urn:a:b"],
            Self::UriReference | Self::IriReference => &["https://shop.test/a", "/a", "b?c=d", "#a"],
            Self::UriTemplate => &["https://shop.test/a", "/a/{b}", "{?c}", "a"],
            Self::Email | Self::IdnEmail => &["a@shop.test", "b@shop.test", "c.d@shop.test"],
            Self::Hostname | Self::IdnHostname => &["shop.test", "a.test", "b", "c-d.test"],
            Self::Duration => &["P1D", "PT1H", "P1W", "P1Y2M3DT4H5M6S"],
            Self::RelativeJsonPointer => &["0", "1/a", "2#", "0/b"],
            Self::Regex => &["a", "^b$", "[c-d]+", "e|f"],
        };
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    /// Bytes in JSON of the longest text of this format; none if it may be of any length.
    pub(super) fn bytes_max(self) -> Option<u64> {
        match self {
            Self::Date => Some(10),
            Self::Ipv4 => Some(15),
            Self::Ipv6 => Some(45),
            Self::Uuid => Some(36),
            Self::Hostname => Some(253),
            // a quoted local part of 64 characters, each with an escape, `@`, and a domain
            Self::Email => Some(2 * 64 + 1 + 255),
            _ => None,
        }
    }

    pub(super) fn holds(self, text: &str) -> bool {
        match self {
            Self::DateTime => is_date_time(text),
            // a date is one with any time, and a time one at a day that ends with a leap second somewhere on earth
            Self::Date => text.len() == 10 && is_date_time(&format!("{text}T00:00:00Z")),
            Self::Time => ["1972-12-31", "1973-01-01"].iter().any(|day| is_date_time(&format!("{day}T{text}"))),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Uuid => is_uuid(text),
            Self::JsonPointer => crate::pointer::Pointer::parse(text).is_some(),
            Self::Uri => fluent_uri::Uri::parse(text).is_ok(),
            Self::UriReference => fluent_uri::UriRef::parse(text).is_ok(),
            Self::Iri => fluent_uri::Iri::parse(text).is_ok(),
            Self::IriReference => fluent_uri::IriRef::parse(text).is_ok(),
            Self::UriTemplate => matches(&URI_TEMPLATE, text),
            Self::Email => is_email(text, is_plain_hostname) && text.is_ascii(),
            Self::IdnEmail => is_email(text, idn::is_hostname),
            Self::Hostname => is_hostname(text),
            Self::IdnHostname => idn::is_hostname(text),
            Self::Duration => matches(&DURATION, text),
            Self::RelativeJsonPointer => is_relative_pointer(text),
            Self::Regex => is_pattern(text),
        }
    }
}

/// Years, months and days in a row without a gap, then hours, minutes and seconds; or weeks alone.
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let date = r"[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D";
    let time = r"T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)";
    Regex::new(&format!(r"\AP(?:[0-9]+W|(?:{date})(?:{time})?|{time})\z")).ok()
});

static URI_TEMPLATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let character = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})";
    let variable = format!(r"{character}(?:\.?{character})*(?::[1-9][0-9]{{0,3}}|\*)?");
    let literal = r#"[^\x00-\x20"'%<>\\^`{|}\x7F]|%[0-9A-Fa-f]{2}"#;
    Regex::new(&format!(r"\A(?:{literal}|\{{[+#./;?&=,!@|]?{variable}(?:,{variable})*\}})*\z")).ok()
});

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn is_email(text: &str, is_hostname: impl Fn(&str) -> bool) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let literal = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let domain = literal.map_or_else(
        || is_hostname(domain),
        |literal| match literal.get(..5).filter(|tag| tag.eq_ignore_ascii_case("ipv6:")) {
            Some(_) => literal.get(5..).is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        },
    );
    // the parser refuses an empty quoted local part, which the RFC allows
    domain && (local == "\"\"" || EmailAddress::from_str(text).is_ok())
}

/// A hostname without hyphens in the third and fourth place of a label, other than `xn--`.
fn is_plain_hostname(text: &str) -> bool {
    let is_reserved = |label: &str| label.as_bytes().get(2..4) == Some(b"--") && !label.starts_with("xn--");
    is_hostname(text) && !text.split('.').any(is_reserved)
}

/// A hostname (RFC 1123 §2.1); a label that begins with `xn--` is one of RFC 5890.
pub(super) fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        let malformed = label.starts_with("xn--") && !idn::is_hostname(label);
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !malformed
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_relative_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (steps, rest) = text.split_at(digits);
    let counted = steps == "0" || (!steps.is_empty() && !steps.starts_with('0'));
    counted && (rest == "#" || crate::pointer::Pointer::parse(rest).is_some())
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
        let samples = format.samples(1_795_428_000_000);
        assert!(samples.len() > 2 && samples.iter().all(|text| format.holds(text)), "{format:?}: {samples:?}");
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
        check("time", &["10:00:00Z", "23:59:60Z", "01:29:60+01:30", "15:59:60-08:00"], &["25:00:00Z", "10:00:00"]);
        check("ipv4", &["127.0.0.1"], &["127.0.0", "256.0.0.1", "01.0.0.1"]);
        check("ipv6", &["::1"], &["::1%eth0", "1"]);
        check("uuid", &["2eb8aa08-aa98-11ea-b4aa-73b441d16380"], &["2eb8aa08aa9811eab4aa73b441d16380"]);
        check("json-pointer", &["", "/a~0"], &["a", "/~"]);
        check("uri", &["https://shop.test/p/1?x#y", "urn:a:b"], &["/p/1", "https://shop.test/ a", "https://[x"]);
        check("uri-reference", &["/p/1", ""], &["/ a", "\\"]);
        check("iri", &["https://bücher.test/ä"], &["/ä", "https://bücher.test/ a"]);
        check("iri-reference", &["/ä", ""], &["/ ä"]);
        check("uri-template", &["/p/{id}{?q*,r:3}", ""], &["/p/{id", "{}", "{a b}", "/%g0"]);
        check(
            "email",
            &["a.b@shop.test", "\"a b\"@shop.test", "a@[127.0.0.1]"],
            &["a", "a@", ".a@b.test", "a@-b.test"],
        );
        check(
            "hostname",
            &["shop.test", "a", "xn--bcher-kva.test", "ab--c.test"],
            &["", "a.", "-a.test", "a_b", "xn--a-.test"],
        );
        check(
            "idn-hostname",
            &["bücher.test", "실례.test", "l·l", "a"],
            &["", "a..b", "-a", "l·a", "〮a", "ـߺ", "a_b", "ααͺ"],
        );
        check("idn-email", &["실례@실례.test", "a@b.test"], &["a", "a@", "실례@-a"]);
        check("duration", &["P1Y2M3DT4H5M6S", "P2W", "PT1S"], &["P", "P1Y3D", "P1W2D", "PT", "1D", "P1S"]);
        check("relative-json-pointer", &["0", "1/a", "0#"], &["", "01", "-1", "1a", "1##"]);
        check("regex", &["^a+$"], &["(", "[a"]);
    }
}
