// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

/// The promise of admission: 20,000 sessions that drop at one instant come back almost as fast as a
/// service that takes 1,000 a second allows, with almost no dial in vain.
@Suite struct StormTests {
  private static let sessions = 20_000
  private static let ideal = 20.0

  private func expectThePromise(_ result: StormSimulation.Result, from start: EngineInstant) {
    #expect(result.unfinished == 0)
    #expect(result.attemptsPerSession(Self.sessions) <= 1.15)
    #expect(result.seconds(from: start) <= 1.35 * Self.ideal)
    #expect(result.busiestSecond <= 1_150)
  }

  @Test(arguments: [UInt64(1), 2, 3]) func aStormIsOverSoonAndWithFewDialsInVain(seed: UInt64) {
    var storm = StormSimulation(capacity: 1_000, seed: seed)
    let start = storm.now
    expectThePromise(storm.run(sessions: Self.sessions), from: start)
  }

  @Test(arguments: [1, 30, 3_600]) func anotherStormAfterAnIdleTimeGoesNoWorse(idle: Int) {
    var storm = StormSimulation(capacity: 1_000)
    _ = storm.run(sessions: 5_000)
    storm.idle(for: .seconds(idle))
    let start = storm.now
    expectThePromise(storm.run(sessions: Self.sessions), from: start)
  }

  @Test(arguments: [10.0, 100, 300, 1_900, 5_000])
  func aRateLearnedOfAServiceThatTookMoreOrLessIsUnlearned(former: Double) {
    var storm = StormSimulation(capacity: former)
    _ = storm.run(sessions: Int(former) * 5)
    storm.capacity = 1_000
    let start = storm.now
    expectThePromise(storm.run(sessions: Self.sessions), from: start)
  }

  @Test func dialsThatOvertakeEachOtherDoNotBreakThePromise() {
    var storm = StormSimulation(capacity: 1_000)
    storm.jitter = 100_000_000
    let start = storm.now
    expectThePromise(storm.run(sessions: Self.sessions), from: start)
  }

  @Test func aHundredSessionsAndAServiceWithoutLimitTakeLessThanTwoSeconds() {
    var storm = StormSimulation(capacity: .infinity)
    let start = storm.now
    let result = storm.run(sessions: 100)
    #expect(result.dials.count == 100)
    #expect(result.seconds(from: start) < 2)
  }

  @Test func aServiceThatAsksForASecondOfRestGetsItAndTheStormStillEndsInTime() {
    var storm = StormSimulation(capacity: 1_000)
    storm.retryAfter = .seconds(1)
    let start = storm.now
    let result = storm.run(sessions: Self.sessions)
    expectThePromise(result, from: start)
    for refusal in result.refusals {
      let rest = refusal..<refusal.advanced(by: .seconds(1))
      #expect(!result.dials.contains { $0 > rest.lowerBound && $0 < rest.upperBound })
    }
    #expect(!result.refusals.isEmpty)
  }

  @Test func aServiceThatRefusesEverythingForAMinuteIsAskedSeldom() {
    var storm = StormSimulation(capacity: 1_000)
    let start = storm.now
    storm.downUntil = start.advanced(by: .seconds(60))
    let result = storm.run(sessions: Self.sessions)
    #expect(result.unfinished == 0)
    #expect(result.dials.count { $0 < storm.downUntil } < 500)
    #expect(result.seconds(from: start) < 60 + 1.5 * Self.ideal)
  }

  @Test func withoutLimitsEverybodyDialsAtOnce() {
    var storm = StormSimulation(capacity: .infinity, configuration: .unlimited)
    let start = storm.now
    let result = storm.run(sessions: Self.sessions)
    #expect(result.dials == [EngineInstant](repeating: start, count: Self.sessions))
  }

  @Test func theSameSeedGivesTheSameStorm() {
    var results: [[EngineInstant]] = []
    for _ in 0..<2 {
      var storm = StormSimulation(capacity: 400, seed: 9)
      results.append(storm.run(sessions: 2_000).dials)
    }
    #expect(results[0] == results[1])
  }
}
