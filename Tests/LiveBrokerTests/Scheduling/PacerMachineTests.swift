// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

/// A pacer told by hand: what came in, what was granted.
private struct Script {
  var machine: PacerMachine
  var now = EngineInstant(nanoseconds: 1_000_000_000)
  var wake: EngineInstant?

  init(_ change: (inout AdmissionConfiguration) -> Void = { _ in }) {
    var configuration = AdmissionConfiguration()
    change(&configuration)
    machine = PacerMachine(configuration: configuration)
  }

  /// A pacer that grants one at a time: the next only after the one before has finished.
  static func oneAtATime(_ change: (inout AdmissionConfiguration) -> Void = { _ in }) -> Script {
    Script {
      $0 = .unlimited
      $0.maximumInFlight = 1
      change(&$0)
    }
  }

  mutating func request(_ slot: UInt32, _ kind: DialClass = .resume, in delay: Duration = .zero) {
    machine.requested(ticket(slot), kind, by: now.advanced(by: delay), at: now)
  }

  mutating func finish(_ slot: UInt32, _ outcome: DialOutcome, draw: UInt64 = 0) {
    machine.finished(ticket(slot), outcome, at: now, draw: draw)
  }

  mutating func cancel(_ slot: UInt32) { machine.cancelled(ticket(slot), at: now) }

  mutating func granted() -> [UInt32] {
    var tickets: [Ticket] = []
    wake = machine.turnEnded(at: now, granted: &tickets)
    return tickets.map(\.slot)
  }

  mutating func pass(_ duration: Duration) { now = now.advanced(by: duration) }

  /// Grants and accepts until nobody waits; the order of the grants.
  mutating func serveAll() -> [UInt32] {
    var order: [UInt32] = []
    while case let slots = granted(), !slots.isEmpty {
      for slot in slots { finish(slot, .accepted) }
      order += slots
    }
    return order
  }

  private func ticket(_ slot: UInt32) -> Ticket { Ticket(shard: 0, slot: slot, serial: 0) }
}

private func wait(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

@Suite struct PacerOrderTests {
  @Test func resumesGoBeforeFreshStarts() {
    var script = Script.oneAtATime()
    script.request(1, .freshStart)
    script.request(2, .resume, in: .seconds(600))
    script.request(3, .resume)
    #expect(script.serveAll() == [3, 2, 1])
  }

  @Test func withinAClassTheMostUrgentDeadlineGoesFirst() {
    var script = Script.oneAtATime()
    for (slot, delay) in [(UInt32(1), 1_500), (2, 500), (3, 1_000)] {
      script.request(slot, .resume, in: wait(delay))
      script.request(slot + 10, .freshStart, in: wait(delay))
    }
    #expect(script.serveAll() == [2, 3, 1, 12, 13, 11])
  }

  @Test func equalDeadlinesAreServedInTheOrderTheyCame() {
    var script = Script.oneAtATime()
    for slot: UInt32 in [5, 3, 9, 1] { script.request(slot) }
    #expect(script.serveAll() == [5, 3, 9, 1])
  }

  @Test func aDeadlineInThePastDoesNotPassThoseWhoWaited() {
    var script = Script.oneAtATime()
    script.request(1)
    script.pass(.seconds(1))
    script.request(2, .resume, in: .seconds(-100))
    #expect(script.serveAll() == [1, 2])
  }

  @Test func aPlannedRotationYieldsToUnplannedResumesThatComeLater() {
    var script = Script.oneAtATime()
    script.request(1, .resume, in: .seconds(30))
    script.request(2)
    #expect(script.granted() == [2])
    script.request(3)
    script.finish(2, .accepted)
    #expect(script.serveAll() == [3, 1])
  }

  @Test func aRotationWhoseDeadlineIsNearNoLongerYields() {
    var script = Script.oneAtATime()
    script.request(1, .resume, in: .seconds(30))
    for slot: UInt32 in 10..<15 { script.request(slot) }
    script.pass(.seconds(27))
    #expect(script.granted() == [10])
    script.pass(.seconds(1))
    script.finish(10, .accepted)
    #expect(script.serveAll() == [1, 11, 12, 13, 14])
  }

  @Test func pressingRotationsAndUnplannedResumesTakeTurns() {
    var script = Script.oneAtATime()
    for slot: UInt32 in 1...3 { script.request(slot, .resume, in: .seconds(30)) }
    script.pass(.seconds(29))
    for slot: UInt32 in 11...13 { script.request(slot) }
    #expect(script.serveAll() == [1, 11, 2, 12, 3, 13])
  }

  @Test func rotationsGetThroughBeforeTheirDeadlineInAnEndlessStorm() {
    var script = Script {
      $0.initialDialsPerSecond = 100; $0.maximumDialsPerSecond = 100
    }
    let deadline = script.now.advanced(by: .seconds(20))
    for slot: UInt32 in 0..<200 { script.request(slot, .resume, in: .seconds(20)) }
    for slot: UInt32 in 1_000..<6_000 { script.request(slot) }
    var rotated: [EngineInstant] = []
    while rotated.count < 200 {
      for slot in script.granted() {
        if slot < 200 { rotated.append(script.now) }
        script.finish(slot, .accepted)
      }
      script.now = script.wake ?? script.now
    }
    #expect(rotated.allSatisfy { $0 <= deadline })
    #expect(rotated.first.map { $0 > script.now.advanced(by: .seconds(-10)) } == true)
  }

  @Test func aFreshStartThatWaitsTooLongIsNotStarvedByResumes() {
    var script = Script.oneAtATime()
    script.request(1, .freshStart)
    var slot: UInt32 = 100
    script.request(slot)
    var served: [EngineInstant] = []
    // A new resume comes before each place is free: without promotion 1 would never be served.
    for _ in 0..<200 where served.isEmpty {
      for granted in script.granted() {
        if granted == 1 { served.append(script.now) }
        slot += 1
        script.request(slot)
        script.pass(wait(100))
        script.finish(granted, .accepted)
      }
    }
    #expect(served == [EngineInstant(nanoseconds: 11_100_000_000)])
  }

  @Test func aTicketRequestedAgainMovesToItsNewPlace() {
    var script = Script.oneAtATime()
    script.request(1, .resume, in: .seconds(60))
    script.request(2)
    script.request(1, .resume)
    script.request(3)
    #expect(script.serveAll() == [2, 1, 3])
  }
}

@Suite struct PacerLimitTests {
  @Test func grantsAreSpacedEvenly() {
    var script = Script {
      $0.initialDialsPerSecond = 100; $0.maximumDialsPerSecond = 100
    }
    for slot: UInt32 in 0..<5 { script.request(slot) }
    let start = script.now
    for slot: UInt32 in 0..<5 {
      #expect(script.now == start.advanced(by: wait(10 * Int(slot))))
      #expect(script.granted() == [slot])
      #expect(script.granted() == [])
      script.now = script.wake ?? script.now
    }
    #expect(script.wake == nil)
  }

  @Test func aTimerThatIsLateCatchesUpOnlyALittle() {
    var script = Script {
      $0.initialDialsPerSecond = 1_000; $0.maximumDialsPerSecond = 1_000
    }
    for slot: UInt32 in 0..<50 { script.request(slot) }
    #expect(script.granted() == [0])
    script.pass(wait(30))
    #expect(script.granted().count == 5)
  }

  @Test func noMoreThanTheMaximumAreUnderWay() {
    var script = Script {
      $0 = .unlimited; $0.maximumInFlight = 2
    }
    for slot: UInt32 in 0..<4 { script.request(slot) }
    #expect(script.granted() == [0, 1])
    script.finish(0, .abandoned)
    #expect(script.granted() == [2])
    #expect(script.machine.snapshot(at: script.now).inFlight == 2)
  }

  @Test func aDialOfWhichNothingIsHeardGivesItsPlaceBack() {
    var script = Script.oneAtATime()
    script.request(1)
    script.request(2)
    #expect(script.granted() == [1])
    #expect(script.wake == script.now.advanced(by: .seconds(60)))
    script.pass(.seconds(60))
    #expect(script.granted() == [2])
    script.finish(1, .accepted)
    let snapshot = script.machine.snapshot(at: script.now)
    #expect((snapshot.lost, snapshot.inFlight, snapshot.accepted) == (1, 1, 0))
  }

  @Test func aCancelledTicketLeavesWhereverItIs() {
    var script = Script.oneAtATime()
    for slot: UInt32 in 1...3 { script.request(slot) }
    #expect(script.granted() == [1])
    script.cancel(2)
    script.cancel(1)
    script.cancel(77)
    #expect(script.granted() == [3])
    script.finish(1, .accepted)
    let snapshot = script.machine.snapshot(at: script.now)
    #expect((snapshot.cancelled, snapshot.accepted, snapshot.waitingDue) == (2, 0, 0))
  }

  @Test func answersOfUnknownTicketsChangeNothing() {
    var script = Script.oneAtATime()
    script.request(1)
    script.finish(1, .accepted)
    script.finish(9, .refused(retryAfter: .seconds(60)))
    #expect(script.granted() == [1])
    #expect(script.machine.snapshot(at: script.now).accepted == 0)
  }

  @Test func nobodyDialsUntilARetryAfterIsOver() {
    var script = Script.oneAtATime()
    script.request(1)
    script.request(2)
    #expect(script.granted() == [1])
    script.finish(1, .refused(retryAfter: .seconds(7)))
    #expect(script.granted() == [])
    #expect(script.wake == script.now.advanced(by: .seconds(7)))
    script.pass(wait(6_999))
    #expect(script.granted() == [])
    script.pass(wait(1))
    #expect(script.granted() == [2])
  }

  @Test(arguments: [Duration.seconds(-5), .seconds(Int64.max), .seconds(86_400)])
  func aSenselessRetryAfterIsBounded(retryAfter: Duration) {
    var script = Script.oneAtATime()
    script.request(1)
    script.request(2)
    _ = script.granted()
    script.finish(1, .refused(retryAfter: retryAfter))
    script.pass(.seconds(300))
    #expect(script.granted() == [2])
  }

  @Test func withoutDemandTheRateDoesNotGrow() {
    var script = Script()
    for slot: UInt32 in 0..<100 {
      script.request(slot)
      #expect(script.granted() == [slot])
      script.finish(slot, .accepted)
      script.pass(wait(100))
    }
    #expect(script.machine.snapshot(at: script.now).dialsPerSecond == 200)
  }

  @Test func theRateDoesNotGrowBeforeTheServiceHasAnswered() {
    var script = Script()
    for slot: UInt32 in 0..<5_000 { script.request(slot) }
    for _ in 0..<500 {
      _ = script.granted()
      script.now = script.wake ?? script.now
    }
    #expect(script.machine.snapshot(at: script.now).dialsPerSecond == 200)
  }

  @Test func nothingIsLeftBehindAfterRandomInputs() {
    var random = SplitMix64(seed: 21)
    var script = Script { $0.maximumInFlight = 20 }
    var underWay: Set<UInt32> = []
    for _ in 0..<20_000 {
      let slot = UInt32(random.next() % 200)
      let draw = random.next()
      switch draw % 8 {
      case 0, 1:
        script.request(slot, draw & 256 == 0 ? .resume : .freshStart, in: wait(Int(draw >> 50)))
      case 2:
        script.cancel(slot)
        underWay.remove(slot)
      case 3, 4:
        let outcomes: [DialOutcome] = [.accepted, .refused(retryAfter: nil), .failed, .abandoned]
        script.finish(slot, outcomes[Int(draw >> 40) % 4], draw: draw)
        underWay.remove(slot)
      default:
        script.pass(wait(5))
        for slot in script.granted() { #expect(underWay.insert(slot).inserted) }
      }
      #expect(script.machine.snapshot(at: script.now).inFlight == underWay.count)
    }
    for slot: UInt32 in 0..<200 { script.cancel(slot) }
    let end = script.machine.snapshot(at: script.now)
    #expect((end.inFlight, end.waitingDue, end.waitingPlanned, end.waitingFresh) == (0, 0, 0, 0))
    #expect(script.granted() == [])
    #expect(script.wake == nil)
  }
}

@Suite struct PacerBreakerTests {
  private func opened() -> Script {
    var script = Script {
      $0 = .unlimited; $0.breakerThreshold = 3
    }
    for slot: UInt32 in 1...3 { script.request(slot) }
    #expect(script.granted() == [1, 2, 3])
    for slot: UInt32 in 1...3 { script.finish(slot, .failed) }
    return script
  }

  @Test func failuresInARowOpenItAndEverybodyWaits() {
    var script = opened()
    for slot: UInt32 in 11...13 { script.request(slot) }
    #expect(script.granted() == [])
    #expect(script.wake == script.now.advanced(by: wait(250)))
    #expect(script.machine.snapshot(at: script.now).breakerIsOpen)
    #expect(script.machine.snapshot(at: script.now).waitingDue == 3)
  }

  @Test func anyAnswerInBetweenKeepsItClosed() {
    for answer in [DialOutcome.accepted, .refused(retryAfter: nil)] {
      var script = Script {
        $0 = .unlimited; $0.breakerThreshold = 2
      }
      for slot: UInt32 in 1...3 { script.request(slot) }
      _ = script.granted()
      script.finish(1, .failed)
      script.finish(2, answer)
      script.finish(3, .failed)
      #expect(!script.machine.snapshot(at: script.now).breakerIsOpen)
    }
  }

  @Test func oneProbeAtATimeWithGrowingIntervals() {
    var script = opened()
    for slot: UInt32 in 11...14 { script.request(slot) }
    for (slot, interval) in [(UInt32(11), 250), (12, 500), (13, 1_000)] {
      #expect(script.granted() == [])
      #expect(script.wake == script.now.advanced(by: wait(interval)))
      script.pass(wait(interval))
      #expect(script.granted() == [slot])
      #expect(script.granted() == [])
      script.finish(slot, .failed)
    }
    #expect(script.machine.snapshot(at: script.now).breakerOpenings == 1)
  }

  @Test func aProbeThatSucceedsReleasesThoseWhoWait() {
    var script = opened()
    for slot: UInt32 in 11...14 { script.request(slot) }
    script.pass(wait(250))
    #expect(script.granted() == [11])
    script.finish(11, .accepted)
    #expect(script.granted() == [12, 13, 14])
  }

  @Test func aProbeThatIsGivenUpIsFollowedByTheNextAtOnce() {
    var script = opened()
    for slot: UInt32 in 11...13 { script.request(slot) }
    script.pass(wait(250))
    #expect(script.granted() == [11])
    script.cancel(11)
    #expect(script.granted() == [12])
    script.finish(12, .abandoned)
    #expect(script.granted() == [13])
  }

  @Test func failuresOfEarlierDialsDoNotDisturbTheProbe() {
    var script = Script {
      $0 = .unlimited; $0.breakerThreshold = 2
    }
    for slot: UInt32 in 1...4 { script.request(slot) }
    _ = script.granted()
    script.finish(1, .failed)
    script.finish(2, .failed)
    script.request(11)
    script.pass(wait(250))
    #expect(script.granted() == [11])
    script.finish(3, .failed)
    script.request(12)
    #expect(script.granted() == [])
    script.finish(4, .accepted)
    #expect(script.granted() == [12])
  }

  @Test func afterAnOutageTheReleaseBeginsAtTheInitialRate() {
    var script = Script {
      $0.breakerThreshold = 1; $0.initialDialsPerSecond = 100
    }
    for slot: UInt32 in 0..<500 { script.request(slot) }
    #expect(script.granted() == [0])
    script.finish(0, .failed)
    script.pass(.seconds(1))
    #expect(script.granted() == [1])
    script.finish(1, .accepted)
    script.pass(.seconds(1))
    #expect(script.granted().count <= 2)
  }
}
