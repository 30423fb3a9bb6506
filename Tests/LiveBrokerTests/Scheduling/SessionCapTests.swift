// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

private let start = EngineInstant(nanoseconds: 1_000_000_000)

private func after(_ seconds: Int64) -> EngineInstant { start.advanced(by: .seconds(seconds)) }

private func ticket(_ slot: UInt32) -> Ticket { Ticket(shard: 0, slot: slot, serial: 0) }

private func session(_ slot: UInt32) -> SessionCap.Starter { SessionCap.Starter(ticket(slot)) }

/// A cap whose pauses are 10 s, 20 s, 40 s with the least draw, and at the most twice that.
private func makeCap(up: UInt32 = 0) -> SessionCap {
  var cap = SessionCap(pause: Backoff(base: .seconds(20), cap: .seconds(80)))
  for slot in 0..<up { cap.placeTaken(session(slot), at: start) }
  return cap
}

extension SessionCap {
  fileprivate mutating func refused(_ slot: UInt32, at now: EngineInstant) {
    refused(session(slot), at: now, draw: 0)
  }
}

@Suite struct SessionCapTests {
  @Test func nothingIsLimitedBeforeTheFirstRefusal() {
    var cap = makeCap()
    for slot: UInt32 in 0..<1_000 {
      #expect(cap.permitsStart(at: start))
      cap.startGranted(session(slot))
      cap.placeTaken(session(slot), at: start)
    }
    #expect(cap.cap == nil && cap.held == 1_000)
    #expect(cap.nextChange(at: start) == nil)
  }

  @Test func aRefusalKeepsOthersFromAskingUntilAPlaceIsFree() {
    var cap = makeCap(up: 3)
    cap.refused(9, at: start)
    #expect(cap.cap == 3)
    #expect(!cap.permitsStart(at: after(9)))
    cap.placeFreed()
    #expect(cap.permitsStart(at: after(9)))
    cap.startGranted(session(9))
    #expect(!cap.permitsStart(at: after(9)))
    cap.placeTaken(session(9), at: after(9))
    #expect(cap.cap == 3 && !cap.permitsStart(at: after(9)))
  }

  @Test func sessionsThatComeUpAfterTheFirstRefusalRaiseTheCap() {
    var cap = makeCap(up: 1)
    cap.refused(9, at: start)
    for slot: UInt32 in 1...4 { cap.placeTaken(session(slot), at: start) }
    #expect(cap.cap == 5)
    // They had set out together: that is no reason to ask for more.
    #expect(!cap.permitsStart(at: start))
  }

  @Test func sessionsRefusedTogetherAreOneRefusal() {
    var cap = makeCap()
    for slot: UInt32 in 0..<50 { cap.refused(slot, at: start) }
    #expect(cap.nextChange(at: start) == after(10))
  }

  @Test func afterAPauseOneAsksAndThePausesGrow() {
    var cap = makeCap(up: 1)
    cap.refused(9, at: start)
    var now = start
    for pause: Int64 in [10, 20, 40, 40] {
      now = cap.nextChange(at: now) ?? .never
      #expect(cap.permitsStart(at: now))
      cap.startGranted(session(9))
      #expect(!cap.permitsStart(at: now))
      cap.refused(9, at: now)
      #expect(cap.cap == 1)
      #expect(!cap.permitsStart(at: now))
      let next = cap.nextChange(at: now) ?? .never
      #expect(now.duration(to: next) == .seconds(min(40, pause * 2)))
    }
  }

  @Test func whereMoreAreTakenTwiceAsManyAskEachRound() {
    var cap = makeCap(up: 1)
    cap.refused(9, at: start)
    let now = after(10)
    var slot: UInt32 = 10
    for expected: UInt32 in [1, 2, 4, 8] {
      let first = slot
      while cap.permitsStart(at: now) {
        cap.startGranted(session(slot))
        slot += 1
      }
      #expect(slot - first == expected)
      for number in first..<slot { cap.placeTaken(session(number), at: now) }
    }
    #expect(cap.cap == 16)
    cap.refused(9, at: now)
    // What was learned of pauses is forgotten, since the service has taken more meanwhile.
    #expect(cap.nextChange(at: now) == now.advanced(by: .seconds(10)))
    #expect(!cap.permitsStart(at: now))
  }

  @Test func aPlaceThatTheServiceGivesBackLateIsAskedForSoon() {
    var cap = makeCap(up: 3)
    for wait: Int64 in [0, 10, 30, 70] { cap.refused(9, at: after(wait)) }
    #expect(cap.nextChange(at: after(70)) == after(110))
    cap.placeFreed()
    cap.startGranted(session(9))
    cap.refused(9, at: after(71))
    #expect(cap.cap == 2)
    #expect(cap.nextChange(at: after(71)) == after(81))
  }

  @Test func whateverBecomesOfAStartItIsNotOnTheWayForEver() {
    var cap = makeCap()
    cap.refused(9, at: start)
    for slot: UInt32 in 0..<100 {
      cap.startGranted(session(slot))
      #expect(!cap.permitsStart(at: after(10)))
      cap.startOver(session(slot))
      #expect(cap.permitsStart(at: after(10)))
    }
    // Of a session that is not on its way nothing is taken from others.
    cap.startGranted(session(1))
    cap.startOver(session(2))
    #expect(!cap.permitsStart(at: after(10)))
  }

  @Test func placesThatWereNeverTakenCannotBeFreed() {
    var cap = makeCap()
    cap.placeFreed()
    #expect(cap.held == 0)
    cap.refused(9, at: start)
    #expect(cap.cap == 0 && !cap.permitsStart(at: start) && cap.permitsStart(at: after(10)))
  }

  @Test func theJitterIsHalfOfAPauseAtTheMost() {
    var late = makeCap()
    late.refused(session(9), at: start, draw: .max)
    let next = late.nextChange(at: start) ?? .never
    #expect(next > after(19) && next < after(20))
  }
}

@Suite struct PacerPlaceTests {
  /// Two sessions are up and the service takes no more; the third was refused.
  private func full(starting slots: ClosedRange<UInt32> = 1...3) -> PacerMachine {
    var configuration = AdmissionConfiguration.unlimited
    configuration.quotaBackoff = Backoff(base: .seconds(20), cap: .seconds(80))
    configuration.freshStartPatience = .seconds(1)
    var machine = PacerMachine(configuration: configuration)
    for slot: UInt32 in [101, 102] { machine.placeTaken(ticket(slot), at: start) }
    machine.placeRefused(ticket(103), at: start, draw: 0)
    for slot in slots { machine.requested(ticket(slot), .freshStart, by: start, at: start) }
    return machine
  }

  private func turn(
    _ machine: inout PacerMachine, at now: EngineInstant
  ) -> (granted: [UInt32], wake: EngineInstant?) {
    var granted: [Ticket] = []
    let wake = machine.turnEnded(at: now, granted: &granted)
    return (granted.map(\.slot), wake)
  }

  @Test func resumesPassFreshStartsThatWaitForAPlace() {
    var machine = full()
    #expect(turn(&machine, at: start) == ([], after(10)))
    machine.requested(ticket(9), .resume, by: after(2), at: after(2))
    #expect(turn(&machine, at: after(2)).granted == [9])
    #expect(machine.snapshot(at: after(2)).waitingForPlace == 3)
    #expect(machine.snapshot(at: after(2)).learnedCap == 2)
  }

  /// How a start may end without a place: told by the dial, by the setup, or by what the session does
  /// next.
  enum Ending: CaseIterable {
    case dialFailed, dialAnswered, dialRefused, cancelled, setupFailed, sessionEnded, askedAgain
  }

  @Test(arguments: Ending.allCases) func aStartThatTakesNoPlaceLeavesItToTheNext(ending: Ending) {
    var machine = full()
    machine.ended(ticket(101), wasUp: true)
    #expect(turn(&machine, at: after(2)).granted == [1])
    #expect(turn(&machine, at: after(2)).granted == [])
    switch ending {
    case .dialFailed: machine.finished(ticket(1), .failed, at: after(3), draw: 0)
    case .dialAnswered: machine.finished(ticket(1), .answered, at: after(3), draw: 0)
    case .dialRefused:
      machine.finished(ticket(1), .refused(retryAfter: nil), at: after(3), draw: 0)
    case .cancelled: machine.cancelled(ticket(1), at: after(3))
    case .setupFailed, .sessionEnded, .askedAgain:
      machine.finished(ticket(1), .accepted, at: after(3), draw: 0)
      #expect(turn(&machine, at: after(3)).granted == [])
    }
    if ending == .setupFailed { machine.startFailed(ticket(1)) }
    if ending == .sessionEnded { machine.ended(ticket(1), wasUp: false) }
    if ending == .askedAgain {
      let again = Ticket(shard: 0, slot: 1, serial: 7)
      machine.requested(again, .freshStart, by: after(3), at: after(3))
    }
    #expect(turn(&machine, at: after(3)).granted == [2])
    #expect(turn(&machine, at: after(4)).granted == [])
  }

  @Test func aStartWhoseCredentialBecameStaleKeepsItsTurnAndItsPlace() {
    var machine = full()
    machine.ended(ticket(101), wasUp: true)
    #expect(turn(&machine, at: after(2)).granted == [1])
    machine.finished(ticket(1), .postponed, at: after(2), draw: 0)
    // Nobody else is let in for it, and it goes before those who wait longer.
    #expect(turn(&machine, at: after(3)).granted == [])
    machine.requested(ticket(9), .resume, by: after(1), at: after(3))
    machine.requested(Ticket(shard: 0, slot: 1, serial: 7), .freshStart, by: after(3), at: after(3))
    #expect(turn(&machine, at: after(3)).granted == [1, 9])
    // One that ends before it has asked again gives its place up.
    machine.finished(Ticket(shard: 0, slot: 1, serial: 7), .postponed, at: after(3), draw: 0)
    machine.ended(ticket(1), wasUp: false)
    #expect(turn(&machine, at: after(3)).granted == [2])
  }

  @Test func whoHadLostPatienceBeforeTheRefusalWaitsAsWell() {
    var configuration = AdmissionConfiguration.unlimited
    configuration.maximumInFlight = 1
    configuration.freshStartPatience = .seconds(1)
    var machine = PacerMachine(configuration: configuration)
    for slot: UInt32 in 1...4 { machine.requested(ticket(slot), .freshStart, by: start, at: start) }
    // All have lost patience when the first is refused.
    #expect(turn(&machine, at: after(5)).granted == [1])
    machine.finished(ticket(1), .accepted, at: after(5), draw: 0)
    machine.placeRefused(ticket(1), at: after(5), draw: 0)
    #expect(turn(&machine, at: after(6)).granted == [])
    #expect(machine.snapshot(at: after(6)).waitingForPlace == 3)
    let asksFrom = turn(&machine, at: after(6)).wake
    #expect(asksFrom == after(5).advanced(by: .milliseconds(7_500)))
    #expect(turn(&machine, at: after(13)).granted == [2])
  }
}
