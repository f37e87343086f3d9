use jiff::SignedDuration;

use crate::sizing::Footing;
use crate::{Batch, Briefing, Budget, Buffer, Change, Costs, Override, Ramp, Rate, Size, Told, Workload};

/// A number that differs, but for one chance in 2⁶⁴, when a plan would be made of something else.
///
/// FNV-1a over words: no hash of the standard library promises the same number in the next release, and this one is
/// stored.
pub(crate) fn digest(briefing: &Briefing, footing: &Footing) -> u64 {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    digest.workload(&briefing.workload);
    digest.footing(footing);
    // A sum, so that the order of overrides does not matter.
    let overrides = briefing.overrides.iter().fold(0u64, |sum, decree| sum.wrapping_add(Digest::of(decree)));
    digest.word(overrides);
    digest.0
}

struct Digest(u64);

impl Digest {
    fn of(decree: &Override) -> u64 {
        let mut digest = Self(0xcbf2_9ce4_8422_2325);
        let Override { id, span, change, author, reason } = decree;
        [id, author, reason].into_iter().for_each(|text| digest.text(text));
        digest.word(span.from().as_nanosecond() as u64);
        digest.word(span.until().as_nanosecond() as u64);
        let (kind, value) = match change {
            Change::Floor(size) => (1, f64::from(size.get())),
            Change::Ceiling(size) => (2, f64::from(size.get())),
            Change::Fixed(size) => (3, f64::from(size.get())),
            Change::PadPercent(percent) => (4, *percent),
            Change::PadServers(size) => (5, f64::from(size.get())),
            Change::Demand(demand) => (6, demand.get()),
            Change::Throughput(throughput) => (7, throughput.get()),
        };
        digest.word(kind);
        digest.number(value);
        digest.0
    }

    /// What of a workload a plan is made of; what only reconciling looks at is left out by name, so that a new field
    /// must be thought about here.
    fn workload(&mut self, workload: &Workload) {
        let Workload {
            name: _,
            bounds,
            throughput: _,
            start_up: _,
            service_level: _,
            reactive: _,
            promise: _,
            buffer: Buffer { servers, percent },
            mode: _,
            zone: _,
            batch: Batch { preferred, max },
            ramp: Ramp { up, down },
            dwell,
            cool_down: _,
            hold: _,
            scale_in: Budget { percent: share, per },
            costs: Costs { scale_up, scale_down, change_of_plan },
            drain: _,
            // Its decrees are among the overrides, its special days in the forecast.
            calendar: _,
        } = workload;
        [bounds.min(), bounds.max(), *servers].into_iter().for_each(|size| self.word(size.get().into()));
        [*preferred, *max].into_iter().for_each(|size| self.size(size));
        [*up, *down].into_iter().for_each(|rate| self.rate(rate));
        [*dwell, *per].into_iter().for_each(|span| self.span(span));
        [*percent, *share, *scale_down].into_iter().for_each(|number| self.number(number));
        [*scale_up, *change_of_plan].into_iter().for_each(|told| match told {
            Told::Given(cost) => self.number(cost),
            Told::Learned => self.word(u64::MAX),
        });
    }

    fn footing(&mut self, footing: &Footing) {
        let Footing { throughput, start_up, start_up_known: _, level, reactive: _, nowcast: _, correction } =
            footing;
        self.number(throughput.map_or(0.0, |t| t.get()));
        self.span(*start_up);
        self.number(level.get());
        self.number(*correction);
    }

    fn rate(&mut self, rate: Option<Rate>) {
        self.size(rate.map(|rate| rate.servers));
        self.span(rate.map_or(SignedDuration::ZERO, |rate| rate.per));
    }

    fn size(&mut self, size: Option<Size>) {
        self.word(size.map_or(u64::MAX, |size| size.get().into()));
    }

    fn span(&mut self, span: SignedDuration) {
        self.word(span.as_nanos() as u64);
    }

    fn number(&mut self, number: f64) {
        self.word(number.to_bits());
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.word(byte.into()));
        self.word(u64::MAX);
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }
}
