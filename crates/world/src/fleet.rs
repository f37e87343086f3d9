/// Servers that serve, and servers that are on their way, minute by minute.
///
/// A launch is billed at once and serves after the start-up time. What is given up is taken from the newest starts
/// first, and from serving servers only when no start is left; a release is immediate.
#[derive(Debug, Clone)]
pub struct Fleet {
    ready: u32,
    starting: u32,
    /// Launches by the minute in which they become ready, modulo the length.
    due: Vec<u32>,
    minute: usize,
}

impl Fleet {
    /// A fleet of `ready` servers whose launches take `start_min` minutes.
    pub fn new(ready: u32, start_min: usize) -> Self {
        Self { ready, starting: 0, due: vec![0; start_min.max(1)], minute: 0 }
    }

    /// Servers that serve.
    pub fn ready(&self) -> u32 {
        self.ready
    }

    /// Servers billed: those that serve and those that start.
    pub fn total(&self) -> u32 {
        self.ready + self.starting
    }

    /// The next minute begins: what was launched a start-up ago serves from now on.
    pub fn tick(&mut self) {
        self.minute += 1;
        let slot = self.slot(0);
        let risen = std::mem::take(&mut self.due[slot]);
        self.ready += risen;
        self.starting -= risen;
    }

    /// Launches or gives up servers until `total` are billed; with `start_min` 0 a launch serves at once.
    pub fn scale_to(&mut self, total: u32, start_min: usize) {
        let now = self.total();
        match total.cmp(&now) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater if start_min == 0 => self.ready = total,
            std::cmp::Ordering::Greater => {
                let slot = self.slot(0);
                self.due[slot] += total - now;
                self.starting += total - now;
            }
            std::cmp::Ordering::Less => self.give_up(now - total),
        }
    }

    fn give_up(&mut self, mut servers: u32) {
        for newest in (1..=self.due.len()).rev() {
            if servers == 0 || self.starting == 0 {
                break;
            }
            let slot = self.slot(newest);
            let cut = servers.min(self.due[slot]);
            self.due[slot] -= cut;
            self.starting -= cut;
            servers -= cut;
        }
        self.ready -= servers;
    }

    /// Where launches stand that become ready in `minutes`; now and a whole start-up ahead share a place.
    fn slot(&self, minutes: usize) -> usize {
        (self.minute + minutes) % self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_a_start_up_after_the_launch() {
        let mut fleet = Fleet::new(2, 3);
        fleet.scale_to(5, 3);
        let mut seen = vec![(fleet.ready(), fleet.total())];
        for _ in 0..3 {
            fleet.tick();
            seen.push((fleet.ready(), fleet.total()));
        }
        assert_eq!(seen, [(2, 5), (2, 5), (2, 5), (5, 5)]);
    }

    #[test]
    fn gives_up_the_newest_starts_first() {
        let mut fleet = Fleet::new(2, 3);
        fleet.scale_to(4, 3);
        fleet.tick();
        fleet.scale_to(6, 3);
        fleet.scale_to(3, 3);
        assert_eq!((fleet.ready(), fleet.total()), (2, 3));
        fleet.tick();
        fleet.tick();
        assert_eq!((fleet.ready(), fleet.total()), (3, 3), "the older launch has survived");
        fleet.scale_to(1, 3);
        assert_eq!((fleet.ready(), fleet.total()), (1, 1));
    }
}
