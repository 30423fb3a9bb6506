// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

private let start = EngineInstant(nanoseconds: 1_000_000_000)

private func after(_ seconds: Int64) -> EngineInstant { start.advanced(by: .seconds(seconds)) }

/// A cap whose pauses are 10 s, 20 s, 40 s with the least draw, and at the most twice that.
private func makeCap() -> SessionCap {
  SessionCap(
    pause: Backoff(base: .seconds(20), cap: .seconds(80)), longestStart: .seconds(60))
}

extension SessionCap {
  fileprivate mutating func refused(at now: EngineInstant) { refused(at: now, draw: 0) }
}

@Suite struct SessionCapTests {
  @Test func nothingIsLimitedBeforeTheFirstRefusal() {
    var cap = makeCap()
    for _ in 0..<1_000 {
      #expect(cap.permitsStart(at: start))
      cap.startGranted(at: start)
      cap.placeTaken(at: start)
    }
    #expect(cap.cap == nil && cap.held == 1_000)
    #expect(cap.nextChange(at: start) == nil)
  }

  @Test func aRefusalKeepsOthersFromAskingUntilAPlaceIsFree() {
    var cap = makeCap()
    for _ in 0..<3 { cap.placeTaken(at: start) }
    cap.refused(at: start)
    #expect(cap.cap == 3)
    #expect(!cap.permitsStart(at: after(9)))
    cap.placeFreed()
    #expect(cap.permitsStart(at: after(9)))
    cap.startGranted(at: after(9))
    #expect(!cap.permitsStart(at: after(9)))
    cap.placeTaken(at: after(9))
    #expect(cap.cap == 3 && !cap.permitsStart(at: after(9)))
  }

  @Test func sessionsThatComeUpAfterTheFirstRefusalRaiseTheCap() {
    var cap = makeCap()
    cap.placeTaken(at: start)
    cap.refused(at: start)
    for _ in 0..<4 { cap.placeTaken(at: start) }
    #expect(cap.cap == 5)
    // They had set out together: that is no reason to ask for more.
    #expect(!cap.permitsStart(at: start))
  }

  @Test func sessionsRefusedTogetherAreOneRefusal() {
    var cap = makeCap()
    for _ in 0..<50 { cap.refused(at: start) }
    #expect(cap.nextChange(at: start) == after(10))
  }

  @Test func afterAPauseOneAsksAndThePausesGrow() {
    var cap = makeCap()
    cap.placeTaken(at: start)
    cap.refused(at: start)
    var now = start
    for pause: Int64 in [10, 20, 40, 40] {
      now = cap.nextChange(at: now) ?? .never
      #expect(cap.permitsStart(at: now))
      cap.startGranted(at: now)
      #expect(!cap.permitsStart(at: now))
      cap.refused(at: now)
      #expect(cap.cap == 1)
      #expect(!cap.permitsStart(at: now))
      let next = cap.nextChange(at: now) ?? .never
      #expect(now.duration(to: next) == .seconds(min(40, pause * 2)))
    }
  }

  @Test func whereMoreAreTakenTwiceAsManyAskEachTime() {
    var cap = makeCap()
    cap.placeTaken(at: start)
    cap.refused(at: start)
    var now = after(10)
    for expected in [1, 2, 4, 8] {
      var granted = 0
      while cap.permitsStart(at: now) {
        cap.startGranted(at: now)
        granted += 1
      }
      #expect(granted == expected)
      // The first to come up allows more; the others of its group count as what they are.
      cap.placeTaken(at: now)
      for _ in 1..<max(1, granted) { cap.startFailed() }
      now = now.advanced(by: .seconds(1))
    }
    #expect(cap.cap == 5)
    cap.refused(at: now)
    // What was learned of pauses is forgotten, since the service has taken more meanwhile.
    #expect(cap.nextChange(at: now) == now.advanced(by: .seconds(10)))
  }

  @Test func aStartOfWhichNothingIsHeardIsForgotten() {
    var cap = makeCap()
    cap.refused(at: start)
    cap.startGranted(at: after(10))
    #expect(!cap.permitsStart(at: after(10)))
    #expect(cap.nextChange(at: after(10)) == after(70))
    cap.timePassed(to: after(69))
    #expect(!cap.permitsStart(at: after(69)))
    cap.timePassed(to: after(70))
    #expect(cap.permitsStart(at: after(70)))
  }

  @Test func placesThatWereNeverTakenCannotBeFreed() {
    var cap = makeCap()
    cap.placeFreed()
    #expect(cap.held == 0)
    cap.startFailed()
    cap.refused(at: start)
    #expect(cap.cap == 0 && !cap.permitsStart(at: start) && cap.permitsStart(at: after(10)))
  }

  @Test func theJitterIsHalfOfAPauseAtTheMost() {
    var late = makeCap()
    late.refused(at: start, draw: .max)
    let next = late.nextChange(at: start) ?? .never
    #expect(next > after(19) && next < after(20))
  }
}

@Suite struct PacerPlaceTests {
  /// Two sessions are up and the service takes no more.
  private func full() -> PacerMachine {
    var configuration = AdmissionConfiguration.unlimited
    configuration.quotaBackoff = Backoff(base: .seconds(20), cap: .seconds(80))
    configuration.freshStartPatience = .seconds(1)
    var machine = PacerMachine(configuration: configuration)
    machine.placeTaken(at: start)
    machine.placeTaken(at: start)
    machine.placeRefused(at: start, draw: 0)
    return machine
  }

  private func ticket(_ slot: UInt32) -> Ticket { Ticket(shard: 0, slot: slot, serial: 0) }

  private func turn(
    _ machine: inout PacerMachine, at now: EngineInstant
  ) -> (granted: [UInt32], wake: EngineInstant?) {
    var granted: [Ticket] = []
    let wake = machine.turnEnded(at: now, granted: &granted)
    return (granted.map(\.slot), wake)
  }

  @Test func resumesPassFreshStartsThatWaitForAPlace() {
    var machine = full()
    for slot: UInt32 in 1...3 { machine.requested(ticket(slot), .freshStart, by: start, at: start) }
    #expect(turn(&machine, at: start) == ([], after(10)))
    machine.requested(ticket(9), .resume, by: after(2), at: after(2))
    #expect(turn(&machine, at: after(2)).granted == [9])
    #expect(machine.snapshot(at: after(2)).waitingForPlace == 3)
    #expect(machine.snapshot(at: after(2)).learnedCap == 2)
  }

  @Test func aPlaceThatIsFreedLetsOneIn() {
    var machine = full()
    for slot: UInt32 in 1...3 { machine.requested(ticket(slot), .freshStart, by: start, at: start) }
    machine.placeFreed()
    #expect(turn(&machine, at: after(2)).granted == [1])
    machine.finished(ticket(1), .accepted, at: after(2), draw: 0)
    #expect(turn(&machine, at: after(3)).granted == [])
    machine.startFailed()
    #expect(turn(&machine, at: after(3)).granted == [2])
    machine.finished(ticket(2), .failed, at: after(3), draw: 0)
    #expect(turn(&machine, at: after(3)).granted == [3])
    machine.cancelled(ticket(3), at: after(3))
    machine.requested(ticket(4), .freshStart, by: after(3), at: after(3))
    #expect(turn(&machine, at: after(3)).granted == [4])
  }

  @Test func whoHadLostPatienceBeforeTheRefusalWaitsAsWell() {
    var configuration = AdmissionConfiguration.unlimited
    configuration.maximumInFlight = 1
    configuration.freshStartPatience = .seconds(1)
    var machine = PacerMachine(configuration: configuration)
    for slot: UInt32 in 1...4 { machine.requested(ticket(slot), .freshStart, by: start, at: start) }
    // Two have lost patience when the first is refused.
    #expect(turn(&machine, at: after(5)).granted == [1])
    machine.finished(ticket(1), .accepted, at: after(5), draw: 0)
    machine.placeRefused(at: after(5), draw: 0)
    #expect(turn(&machine, at: after(6)).granted == [])
    #expect(machine.snapshot(at: after(6)).waitingForPlace == 3)
    let asksFrom = turn(&machine, at: after(6)).wake
    #expect(asksFrom == after(5).advanced(by: .milliseconds(7_500)))
    #expect(turn(&machine, at: after(13)).granted == [2])
  }
}
