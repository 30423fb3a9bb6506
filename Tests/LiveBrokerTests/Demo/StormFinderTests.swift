// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveBrokerDemo

@Suite struct StormFinderTests {
  private static func instant(_ milliseconds: Int64) -> EngineInstant {
    EngineInstant(nanoseconds: milliseconds * 1_000_000)
  }

  @Test func lossesOfHalfTheSessionsAtOnceAreAStorm() throws {
    var finder = StormFinder(sessions: 8)
    var alarms = 0
    for number in 0..<6 {
      let lost = Self.instant(1_000 + Int64(number % 3) * 10)
      if finder.noteLoss(at: lost, back: Self.instant(1_500 + Int64(number) * 100)) { alarms += 1 }
    }
    let storm = try #require(finder.storm)
    #expect(alarms == 1)
    #expect(storm.sessions == 6)
    #expect(storm.first == Self.instant(1_000) && storm.lastBack == Self.instant(2_000))
  }

  @Test func lossesFarApartAreNone() {
    var finder = StormFinder(sessions: 4)
    for number in 0..<10 {
      let lost = Self.instant(Int64(number) * 3_000)
      let isStorm = finder.noteLoss(at: lost, back: lost)
      #expect(!isStorm)
    }
    #expect(finder.storm == nil)
  }

  @Test func oneSessionAloneMakesNoStorm() {
    var finder = StormFinder(sessions: 1)
    let isStorm = finder.noteLoss(at: Self.instant(1), back: Self.instant(2))
    #expect(!isStorm)
    #expect(finder.storm == nil)
  }
}
