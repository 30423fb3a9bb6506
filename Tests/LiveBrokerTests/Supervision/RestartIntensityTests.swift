// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct RestartIntensityTests {
  private static func at(_ seconds: Double) -> EngineInstant {
    EngineInstant(nanoseconds: Int64(seconds * 1e9))
  }

  @Test func theMaximumIsPermittedWithinThePeriodAndNoMore() {
    var intensity = RestartIntensity(RestartLimits(maximum: 3, period: .seconds(10)))
    let answers = [0.0, 1, 2, 3, 9.999].map { intensity.permits(at: Self.at($0)) }
    #expect(answers == [true, true, true, false, false])
  }

  @Test func aRestartStopsCountingWhenItIsAPeriodOld() {
    var intensity = RestartIntensity(RestartLimits(maximum: 2, period: .seconds(10)))
    let answers = [0.0, 5, 10, 14, 15].map { intensity.permits(at: Self.at($0)) }
    #expect(answers == [true, true, true, false, true])
  }

  @Test(arguments: [0, -1]) func withoutAMaximumNoneIsPermitted(maximum: Int) {
    var intensity = RestartIntensity(RestartLimits(maximum: maximum))
    let answer = intensity.permits(at: .zero)
    #expect(!answer)
  }

  @Test func itIsSmallEnoughForEverySession() {
    #expect(MemoryLayout<RestartIntensity>.stride <= 16)
  }

  @Test(arguments: UInt64(1)...10)
  func neverMoreThanTheMaximumWithinAnyPeriod(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var intensity = RestartIntensity(RestartLimits(maximum: 4, period: .seconds(1)))
    var now = EngineInstant.zero
    var permitted: [EngineInstant] = []
    for _ in 0..<2_000 {
      now = now.advanced(byNanoseconds: random.nanoseconds(upTo: 400_000_000))
      let expected = permitted.count { $0.duration(to: now) < .seconds(1) } < 4
      let answer = intensity.permits(at: now)
      #expect(answer == expected)
      if expected { permitted.append(now) }
    }
  }
}
