//! experiment
use std::io::Read;
use tidecast_forecast::method::Method;
use tidecast_forecast::past::Past;
use tidecast_forecast::*;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut s = String::new();
    std::fs::File::open(&args[0]).unwrap().read_to_string(&mut s).unwrap();
    let samples = s
        .lines()
        .skip(1)
        .map(|l| {
            let (t, v) = l.split_once(',').unwrap();
            Sample { time: t.parse().unwrap(), value: v.parse().unwrap() }
        })
        .collect();
    let series = Samples(samples).gather(300).unwrap().series;
    let mut past = Past::begin(&series).unwrap();
    let lead: usize = args[1].parse().unwrap();
    let skip = past.seen();
    let ens = models::ensemble();
    let vals: Vec<f64> = series.values()[skip..].to_vec();
    let mut ws: Vec<_> = ens.members.iter().map(|m| m.start(&past, &vals, &[lead])).collect();
    let mut whole = ens.start(&past, &vals, &[lead]);
    let mut store: Vec<Vec<f64>> = vec![];
    for (t, v) in vals.iter().enumerate() {
        past.push(*v);
        let mut row = vec![];
        for w in &mut ws {
            let mut p = [f64::NAN];
            w.step(&past, &mut p);
            row.push(p[0]);
        }
        let mut p = [f64::NAN];
        whole.step(&past, &mut p);
        row.push(p[0]);
        store.push(row);
        if t >= lead {
            let r = &store[t - lead];
            let last = r[r.len() - 1];
            if (last - v).abs() > 0.35 * past.mean {
                println!(
                    "{t} y {v:.1} {}",
                    r.iter().map(|x| format!("{x:8.1}")).collect::<Vec<_>>().join(" ")
                );
            }
        }
    }
}
