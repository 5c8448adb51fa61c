//! How far long work is: on standard error, on a terminal, and only of what takes its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config;

/// What is done sooner says nothing.
const PATIENCE: Duration = Duration::from_millis(300);

/// A bar that is gone when it is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    start: Instant,
    is_shown: AtomicBool,
}

impl Progress {
    /// Of so many steps; `what` they are.
    pub(super) fn of(steps: usize, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:24} {pos} of {len} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##-");
        Self { bar: bar.with_style(style).with_message(what), start: Instant::now(), is_shown: AtomicBool::new(false) }
    }

    /// One step is done.
    pub(super) fn step(&self) {
        let is_due = self.start.elapsed() > PATIENCE && !self.is_shown.swap(true, Ordering::Relaxed);
        if is_due && !config::terminal_is_dumb() {
            // the crate itself draws on terminals only
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
