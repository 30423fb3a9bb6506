// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct TimerWheelTests {
  private static func at(_ nanoseconds: Int64) -> EngineInstant {
    EngineInstant(nanoseconds: nanoseconds)
  }

  @Test func aTimerFiresAtItsDeadlineAndNotBefore() {
    var wheel = TimerWheel()
    var due: [UInt32] = []
    wheel.arm(3, at: Self.at(5_000_001))
    wheel.advance(to: Self.at(5_000_000), into: &due)
    #expect(due.isEmpty)
    #expect(wheel.nextDeadline == Self.at(5_000_001))
    wheel.advance(to: Self.at(5_000_001), into: &due)
    #expect(due == [3])
    #expect(wheel.nextDeadline == nil)
    #expect(wheel.count == 0)
  }

  @Test func timersOfOneAdvanceFireByDeadlineThenBySlot() {
    var wheel = TimerWheel()
    var due: [UInt32] = []
    for slot: UInt32 in [9, 2, 7] { wheel.arm(slot, at: Self.at(1_000)) }
    wheel.arm(8, at: Self.at(999))
    wheel.arm(1, at: Self.at(90_000_000_000))
    wheel.advance(to: Self.at(100_000_000_000), into: &due)
    #expect(due == [8, 2, 7, 9, 1])
  }

  @Test func armingAgainReplacesTheTimer() {
    var wheel = TimerWheel()
    var due: [UInt32] = []
    wheel.arm(0, at: Self.at(1_000_000_000))
    wheel.arm(0, at: Self.at(9_000_000_000))
    #expect(wheel.count == 1)
    wheel.advance(to: Self.at(8_999_999_999), into: &due)
    #expect(due.isEmpty)
    wheel.advance(to: Self.at(9_000_000_000), into: &due)
    #expect(due == [0])
  }

  @Test func aPassedDeadlineIsDueAtOnce() {
    var wheel = TimerWheel()
    var due: [UInt32] = []
    wheel.advance(to: Self.at(3_600_000_000_000), into: &due)
    wheel.arm(4, at: Self.at(1))
    wheel.arm(5, at: Self.at(-1))
    #expect(wheel.nextDeadline == Self.at(-1))
    wheel.advance(to: Self.at(3_600_000_000_000), into: &due)
    #expect(due == [5, 4])
  }

  @Test func neverDisarms() {
    var wheel = TimerWheel()
    wheel.arm(1, at: Self.at(5))
    wheel.arm(1, at: .never)
    #expect(wheel.count == 0)
    #expect(wheel.nextDeadline == nil)
    #expect(wheel.deadline(of: 1) == nil)
  }

  @Test func disarmingWhatIsNotArmedChangesNothing() {
    var wheel = TimerWheel()
    wheel.disarm(77)
    wheel.arm(2, at: Self.at(5))
    wheel.disarm(1)
    #expect(wheel.count == 1)
    #expect(wheel.deadline(of: 2) == Self.at(5))
  }

  @Test func aTimerAtTheEndOfTimeIsKept() {
    var wheel = TimerWheel()
    var due: [UInt32] = []
    wheel.arm(0, at: Self.at(.max - 1))
    wheel.advance(to: Self.at(.max - 2), into: &due)
    #expect(due.isEmpty)
    wheel.advance(to: Self.at(.max - 1), into: &due)
    #expect(due == [0])
  }

  /// Random operations against an array that is searched from end to end.
  @Test(arguments: UInt64(1)...40)
  func theWheelAgreesWithANaiveModel(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var wheel = TimerWheel()
    var model = [EngineInstant?](repeating: nil, count: 64)
    var now = Self.at(Int64(random.next() % 1_000_000_000_000))
    var due: [UInt32] = []
    wheel.advance(to: now, into: &due)
    for _ in 0..<3_000 {
      switch random.next() % 8 {
      case 0...3:
        let slot = UInt32(random.next() % 64)
        let deadline = now.advanced(byNanoseconds: Self.delay(&random))
        wheel.arm(slot, at: deadline)
        model[Int(slot)] = deadline
      case 4:
        let slot = UInt32(random.next() % 64)
        wheel.disarm(slot)
        model[Int(slot)] = nil
      case 5:
        now = max(now, wheel.nextDeadline ?? now)
        advance(&wheel, &model, to: now)
      default:
        now = now.advanced(byNanoseconds: max(0, Self.delay(&random) / 8))
        advance(&wheel, &model, to: now)
      }
      let earliest = model.compactMap { $0 }.min()
      #expect(wheel.count == model.count { $0 != nil })
      #expect((wheel.nextDeadline == nil) == (earliest == nil))
      if let bound = wheel.nextDeadline, let earliest { #expect(bound <= earliest) }
    }
  }

  @Test func followingNextDeadlineFiresEveryTimerExactlyOnTime() {
    var random = SplitMix64(seed: 5)
    var wheel = TimerWheel(slotCapacity: 1_000)
    for slot: UInt32 in 0..<1_000 {
      wheel.arm(slot, at: Self.at(Int64(random.next() % 7_200_000_000_000)))
    }
    var due: [UInt32] = []
    var steps = 0
    while let next = wheel.nextDeadline {
      let deadlines = (0..<UInt32(1_000)).map { wheel.deadline(of: $0) }
      due.removeAll()
      wheel.advance(to: next, into: &due)
      for slot in due { #expect(deadlines[Int(slot)] == next) }
      steps += 1
    }
    // Each step fires at least one: the bound is exact while nothing is disarmed.
    #expect(steps <= 1_000)
    #expect(wheel.count == 0)
  }

  private func advance(
    _ wheel: inout TimerWheel, _ model: inout [EngineInstant?], to now: EngineInstant
  ) {
    let expected = model.indices
      .filter { model[$0].map { $0 <= now } ?? false }
      .sorted { (model[$0]!, $0) < (model[$1]!, $1) }
    for slot in expected { model[slot] = nil }
    var due: [UInt32] = []
    wheel.advance(to: now, into: &due)
    #expect(due == expected.map { UInt32($0) })
  }

  /// From a little in the past to beyond a year, all magnitudes alike.
  private static func delay(_ random: inout SplitMix64) -> Int64 {
    let magnitude = random.next() % 55
    let span = Int64(1) << Int64(magnitude)
    return Int64(random.next() % UInt64(span)) - (random.next() % 16 == 0 ? 1_000_000 : 0)
  }
}
