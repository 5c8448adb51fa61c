//! Every bound that a policy may set, with its unit.

/// The bounds of one policy; the defaults are those of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one rule's anonymous value, as received.
    pub anonymous_bytes: usize,
    /// Nested arrays and objects of one rule's anonymous value.
    pub anonymous_depth: usize,
    /// Values in one rule's anonymous value.
    pub anonymous_nodes: usize,
    /// Bytes of a member name in one rule's anonymous value.
    pub name_bytes: usize,
    /// Findings of places that one decision lists, over all rules.
    pub report_entries: usize,
    /// Compact bytes of what one decision writes into one metadata object.
    pub sink_bytes: usize,
    /// Units of work that one rule may do for one event: computations of its sanitizer, values that the oracle reads,
    /// elements that its merge goes through, operations of its script, text that it makes (a unit for 8 bytes).
    pub rule_work: u64,
    /// Milliseconds of a thread's time that one evaluation may take; after that there is no decision.
    pub event_ms: u64,
    /// Bytes of a string in a script, summed over a value.
    pub string_bytes: usize,
    /// Items of an array in a script, summed over a value.
    pub array_items: usize,
    /// Members of an object in a script, summed over a value.
    pub map_members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            anonymous_bytes: 65_536,
            anonymous_depth: 64,
            anonymous_nodes: 20_000,
            name_bytes: 256,
            report_entries: 100,
            sink_bytes: 32_768,
            rule_work: 400_000,
            event_ms: 200,
            string_bytes: 65_536,
            array_items: 4_096,
            map_members: 4_096,
        }
    }
}

impl Limits {
    /// The limit that a policy names, to be set.
    #[must_use]
    pub fn by_name(&mut self, name: &str) -> Option<Limit<'_>> {
        Some(match name {
            "anonymous_bytes" => Limit::Size(&mut self.anonymous_bytes),
            "anonymous_depth" => Limit::Size(&mut self.anonymous_depth),
            "anonymous_nodes" => Limit::Size(&mut self.anonymous_nodes),
            "name_bytes" => Limit::Size(&mut self.name_bytes),
            "report_entries" => Limit::Size(&mut self.report_entries),
            "sink_bytes" => Limit::Size(&mut self.sink_bytes),
            "rule_work" => Limit::Count(&mut self.rule_work),
            "event_ms" => Limit::Count(&mut self.event_ms),
            "string_bytes" => Limit::Size(&mut self.string_bytes),
            "array_items" => Limit::Size(&mut self.array_items),
            "map_members" => Limit::Size(&mut self.map_members),
            _ => return None,
        })
    }

    /// The names that [`Limits::by_name`] knows.
    pub const NAMES: [&'static str; 11] = [
        "anonymous_bytes",
        "anonymous_depth",
        "anonymous_nodes",
        "name_bytes",
        "report_entries",
        "sink_bytes",
        "rule_work",
        "event_ms",
        "string_bytes",
        "array_items",
        "map_members",
    ];
}

impl Limits {
    /// The most that a policy may set a limit to.
    #[must_use]
    pub fn most(name: &str) -> u64 {
        match name {
            "anonymous_depth" => 128,
            // the answer has a second
            "event_ms" => 900,
            "name_bytes" | "report_entries" => 4_096,
            "array_items" | "map_members" => 65_536,
            "rule_work" => 4_000_000,
            _ => 1_048_576,
        }
    }
}

/// One limit, to be set.
pub enum Limit<'a> {
    /// Of bytes, items or levels.
    Size(&'a mut usize),
    /// Of work or milliseconds.
    Count(&'a mut u64),
}

impl Limit<'_> {
    /// Sets the limit.
    pub fn set(self, value: u64) {
        match self {
            Self::Size(limit) => *limit = usize::try_from(value).unwrap_or(usize::MAX),
            Self::Count(limit) => *limit = value,
        }
    }
}
