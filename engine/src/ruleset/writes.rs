//! The commands of one decision, and the bytes that they take in each metadata object.

use crate::decision::{Command, Merged, Notice, sink_bytes};
use crate::event::{Event, Sink};
use crate::json::Text;
use crate::limits::Limits;
use crate::receipt::{self, Receipt};
use crate::rule::Rule;

/// The commands so far.
pub(super) struct Writes<'a> {
    limits: &'a Limits,
    pub(super) commands: Vec<Command>,
    /// Bytes by metadata object: `app_metadata`, `user_metadata`.
    bytes: [usize; 2],
    /// Bytes of `app_metadata` that are kept for the receipt.
    receipt_bytes: usize,
}

impl<'a> Writes<'a> {
    /// No command yet; so many bytes stay free for the receipt.
    pub(super) fn new(limits: &'a Limits, receipt_bytes: usize) -> Self {
        Self { limits, commands: Vec::new(), bytes: [0; 2], receipt_bytes }
    }

    fn bytes_of(&self, sink: Sink) -> usize {
        let [app, user] = self.bytes;
        if sink == Sink::App { app } else { user }
    }

    fn grow(&mut self, sink: Sink, bytes: usize) {
        let [app, user] = &mut self.bytes;
        *(if sink == Sink::App { app } else { user }) += bytes;
    }

    /// Whether a value fits beside `before` bytes of the same metadata object.
    fn holds(&self, rule: &Rule, value: &Merged, before: usize) -> bool {
        let kept = if rule.sink == Sink::App { self.receipt_bytes } else { 0 };
        // two braces around all, and no comma after the last member
        before + sink_bytes(&rule.root, value.bytes()) + kept < self.limits.sink_bytes
    }

    /// Whether a value would fit if no other rule wrote.
    pub(super) fn holds_alone(&self, rule: &Rule, value: &Merged) -> bool {
        self.holds(rule, value, 0)
    }

    /// Adds a command, unless the metadata object has no room left for it.
    pub(super) fn add(&mut self, rule: &Rule, value: Merged) -> Result<(), Notice> {
        if !self.holds(rule, &value, self.bytes_of(rule.sink)) {
            return Err(Notice::ResultTooLarge);
        }
        self.grow(rule.sink, sink_bytes(&rule.root, value.bytes()));
        self.commands.push(Command::Set { sink: rule.sink, key: rule.root.clone(), value });
        Ok(())
    }

    /// Adds the receipt.
    pub(super) fn add_receipt(&mut self, receipt: Receipt) {
        self.grow(Sink::App, receipt_bytes(&receipt));
        self.commands.push(Command::SetReceipt(receipt));
    }

    /// What is written at a root.
    pub(super) fn value(&self, sink: Sink, root: &str) -> Option<&Merged> {
        self.commands.iter().find_map(|command| match command {
            Command::Set { sink: own, key, value } if *own == sink && key == root => Some(value),
            _ => None,
        })
    }

    fn roots(&self, sink: Sink) -> Vec<&str> {
        let set = self.commands.iter().filter_map(|command| match command {
            Command::Set { sink: own, key, .. } if *own == sink => Some(key.as_str()),
            Command::SetReceipt(_) if sink == Sink::App => Some(receipt::ROOT),
            _ => None,
        });
        set.collect()
    }

    /// Compact bytes of a metadata object after the commands; at most `enough` is as good as any smaller number.
    pub(super) fn profile_bytes(&self, event: &Event, sink: Sink, enough: usize) -> usize {
        let before = event.metadata(sink).view();
        // what is read cannot be smaller compact than as it stands in the text
        let most = before.place().map_or(2, |place| place.span().len()) + self.bytes_of(sink);
        if most <= enough {
            return most;
        }
        let roots = self.roots(sink);
        // every member with a comma; the last one has none
        let is_written = |name: Text<'_>| roots.iter().any(|key| name.is(key));
        let kept = before.members().filter(|(name, _)| !is_written(*name));
        let kept: usize = kept.map(|(name, value)| sink_bytes(&name.decode(), value.compact_bytes())).sum();
        "{}".len() + (kept + self.bytes_of(sink)).saturating_sub(1)
    }
}

fn receipt_bytes(receipt: &Receipt) -> usize {
    sink_bytes(receipt::ROOT, receipt.to_json().view().compact_bytes())
}
