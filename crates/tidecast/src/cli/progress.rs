//! How far long work has come: a bar where a person watches, else a line for each tenth, always on stderr.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::stopwatch::Stopwatch;
use super::terminal::{Chatter, Terminal};

/// Work shorter than this says nothing about its progress.
const LONG: Duration = Duration::from_secs(2);

/// Progress of work that several threads share.
pub(crate) struct Progress<'a> {
    terminal: &'a Terminal,
    what: &'static str,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
    watch: Stopwatch,
}

struct State {
    done: u64,
    total: u64,
    said: u64,
}

impl<'a> Progress<'a> {
    /// Nothing done of `total` yet.
    pub(crate) fn new(terminal: &'a Terminal, what: &'static str, total: u64) -> Self {
        let shown = terminal.watched && terminal.chatter > Chatter::Quiet;
        let bar = shown.then(|| bar(terminal, what, total));
        let state = Mutex::new(State { done: 0, total: total.max(1), said: 0 });
        Self { terminal, what, bar, state, watch: Stopwatch::started() }
    }

    /// `more` is done.
    pub(crate) fn advance(&self, more: u64) {
        if let Some(bar) = &self.bar {
            return bar.inc(more);
        }
        let line = self.state.lock().ok().and_then(|mut state| state.advance(more));
        if let Some(percent) = line.filter(|_| self.watch.elapsed() >= LONG) {
            self.terminal.note(format!("{}: {percent} %", self.what));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl State {
    /// The tenth just passed, in percent.
    fn advance(&mut self, more: u64) -> Option<u64> {
        self.done += more;
        let tenths = (10 * self.done / self.total).min(10);
        let passed = tenths > self.said;
        self.said = self.said.max(tenths);
        passed.then_some(10 * tenths)
    }
}

fn bar(terminal: &Terminal, what: &'static str, total: u64) -> ProgressBar {
    let marks = if terminal.unicode { "━╸─" } else { "=> " };
    let colour = if terminal.colour_messages { "{bar:40.cyan}" } else { "{bar:40}" };
    let template = format!("{{msg}} {colour} {{percent:>3}} % {{eta_precise}}");
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars(marks);
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
    bar.with_style(style).with_message(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_each_tenth_once() {
        let mut state = State { done: 0, total: 40, said: 0 };
        let said: Vec<u64> = (0..40).filter_map(|_| state.advance(1)).collect();
        assert_eq!(said, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
        assert_eq!(state.advance(1), None);
    }
}
