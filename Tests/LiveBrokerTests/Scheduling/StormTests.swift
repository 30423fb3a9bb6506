// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct StormTests {
  @Test(arguments: [UInt64(1), 2, 3]) func dbg(seed: UInt64) {
    func show(
      _ n: String, _ r: StormSimulation.Result, _ start: EngineInstant, _ s: Int, _ end: Double
    ) {
      print(
        "STORM", n, "seed", seed, "att", r.attemptsPerSession(s), "last", r.seconds(from: start),
        "busiest", r.busiestSecond, "rate", end, "unf", r.unfinished)
    }
    var a = StormSimulation(capacity: 1_000, seed: seed); var t = a.now
    var r = a.run(sessions: 20_000); show("fresh", r, t, 20_000, a.dialsPerSecond)
    a.idle(for: .seconds(3_600)); t = a.now
    r = a.run(sessions: 20_000); show("idle1h", r, t, 20_000, a.dialsPerSecond)
    a.idle(for: .seconds(30)); t = a.now
    r = a.run(sessions: 20_000); show("idle30s", r, t, 20_000, a.dialsPerSecond)
    t = a.now
    r = a.run(sessions: 20_000); show("again", r, t, 20_000, a.dialsPerSecond)
    for cap in [10.0, 50, 100, 300, 1_900, 5_000] {
      for idle in [0, 1, 15, 400] {
        a = StormSimulation(capacity: cap, seed: seed)
        r = a.run(sessions: Int(cap) * 10)
        let learned = a.dialsPerSecond
        a.idle(for: .seconds(idle)); t = a.now
        a.capacity = 1_000
        r = a.run(sessions: 20_000);
        show("learned \(cap)->\(learned) idle \(idle)", r, t, 20_000, a.dialsPerSecond)
      }
    }
    a = StormSimulation(capacity: .infinity, seed: seed); t = a.now
    r = a.run(sessions: 100); show("100", r, t, 100, a.dialsPerSecond)
    a = StormSimulation(capacity: 1_000, seed: seed); t = a.now; a.retryAfter = .seconds(1)
    r = a.run(sessions: 20_000); show("retryAfter 1", r, t, 20_000, a.dialsPerSecond)
    a = StormSimulation(capacity: 1_000, seed: seed); t = a.now;
    a.downUntil = t.advanced(by: .seconds(60))
    r = a.run(sessions: 20_000); show("down 60", r, t, 20_000, a.dialsPerSecond)
    a = StormSimulation(capacity: 1_000, seed: seed); t = a.now; a.roundTrip = 500_000_000
    r = a.run(sessions: 20_000); show("rtt 500", r, t, 20_000, a.dialsPerSecond)
    a = StormSimulation(capacity: 1_000, seed: seed); t = a.now; a.roundTrip = 1_000_000
    r = a.run(sessions: 20_000); show("rtt 1", r, t, 20_000, a.dialsPerSecond)
    for cap in [5.0, 20, 100] {
      a = StormSimulation(capacity: cap, seed: seed); t = a.now
      r = a.run(sessions: Int(cap) * 20); show("cap \(cap)", r, t, Int(cap) * 20, a.dialsPerSecond)
    }
    a = StormSimulation(capacity: 1_000, configuration: .unlimited, seed: seed); t = a.now
    r = a.run(sessions: 20_000); show("unlimited", r, t, 20_000, a.dialsPerSecond)
  }
}
