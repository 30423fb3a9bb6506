// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct SessionMachineConnectingTests {
  @Test func aSessionOpensByCredentialAdmissionDialAndSetup() {
    var script = SessionScript()
    let start = script.now
    #expect(
      script.opened() == [.acquireCredential(.newSession, by: start.advanced(by: .seconds(1_800)))])
    #expect(script.machine.phase == .acquiringCredential)
    #expect(
      script.acquired(until: start.advanced(by: .seconds(1_800)))
        == [.requestAdmission(.freshStart, by: start)])
    #expect(script.machine.phase == .dialing)
    #expect(script.admitted() == [.dial(generation: 1)])
    #expect(
      script.dialed(1) == [.sendSetup(generation: 1)])
    #expect(script.machine.phase == .settingUp)
    let actions = script.setupCompleted(1)
    // No ping: as long as nothing is sent, nobody needs to know the round trip.
    #expect(actions.count == 1)
    guard case .goLive(1, _) = actions.first else {
      Issue.record("not live after \(actions)")
      return
    }
    #expect(script.machine.phase == .live)
    #expect(script.machine.sendingGeneration == 1)
  }

  @Test func aCredentialThatWentStaleWhileWaitingIsReplacedBeforeTheDial() {
    var script = SessionScript()
    _ = script.opened()
    _ = script.acquired()
    #expect(
      script.admitted(isUsable: false)
        == [.acquireCredential(.newSession, by: script.now.advanced(by: .seconds(1_800)))])
    #expect(script.machine.phase == .acquiringCredential)
  }

  @Test func aRefusalThatTryingAgainDoesNotChangeEndsTheSession() {
    var script = SessionScript()
    let end = SessionEnd(.refusedByService, message: "no such model", closeCode: 1008)
    _ = script.opened()
    _ = script.acquired()
    _ = script.admitted()
    _ = script.dialed(1)
    let actions = script.connectionLost(1, .stop(end))
    #expect(actions.last == .end(end))
    #expect(script.machine.phase == .failed)
  }

  @Test func aFailedDialIsTriedAgainAfterABackOffThatDoublesAndHasFullJitter() {
    var script = SessionScript { $0.retry.attemptsToStart = 10 }
    script.draw = .max
    _ = script.opened()
    _ = script.acquired()
    var delays: [Duration] = []
    for _ in 0..<4 {
      _ = script.admitted()
      _ = script.dialFailed(script.machine.generation)
      guard case .waiting(let until, _) = script.machine.state else {
        Issue.record("not waiting: \(script.machine.state)")
        return
      }
      delays.append(script.now.duration(to: until))
      script.now = until
      _ = script.timer()
      _ = script.acquired()
    }
    let milliseconds = delays.map { Int($0.components.attoseconds / 1_000_000_000_000_000) }
    #expect(delays.allSatisfy { $0 < .seconds(2) })
    #expect(zip(delays, delays.dropFirst()).allSatisfy { $1 > $0 })
    #expect(milliseconds.first.map { (240...250).contains($0) } == true)
  }

  @Test func theFirstStartGivesUpAfterItsAttempts() {
    var script = SessionScript { $0.retry.attemptsToStart = 2 }
    _ = script.opened()
    for _ in 0..<3 {
      _ = script.acquired()
      _ = script.admitted()
      _ = script.dialFailed(script.machine.generation)
      if !script.machine.hasEnded { _ = script.nextTimer() }
    }
    guard case .ended(let end) = script.machine.state else {
      Issue.record("still \(script.machine.phase)")
      return
    }
    #expect(end.code == .outOfAttempts)
  }

  @Test func aSetupThatIsNeverAnsweredIsGivenUpAtItsDeadline() {
    var script = SessionScript()
    _ = script.opened()
    _ = script.acquired()
    _ = script.admitted()
    _ = script.dialed(1)
    #expect(script.machine.nextDeadline(script.limits) == script.now.advanced(by: .seconds(15)))
    #expect(script.nextTimer().first == .abort(generation: 1))
    #expect(script.machine.phase == .waiting)
  }

  @Test func aConnectionThatNobodyWaitsForIsDropped() {
    var script = SessionScript()
    script.openToLive()
    #expect(script.dialed(7) == [.abort(generation: 7)])
    #expect(script.machine.phase == .live)
  }

  @Test(arguments: [UInt32(0), 1, 2, 99])
  func whatAnOlderConnectionSaysMovesNothing(generation: UInt32) {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.connectionLost(1)
    _ = script.nextTimer()
    _ = script.admitted()
    _ = script.dialed(2)
    _ = script.setupCompleted(2)
    _ = script.connectionLost(2)
    _ = script.nextTimer()
    _ = script.admitted()
    _ = script.dialed(3)
    _ = script.setupCompleted(3)
    let before = script.machine.state
    #expect(script.connectionLost(generation) == [])
    #expect(script.goAway(.zero, on: generation) == [])
    #expect(script.setupCompleted(generation) == [])
    _ = script.machine.heard(generation: generation, .modelSpoke, script.context)
    #expect(script.machine.state == before)
  }

  @Test func aRestartedSessionLosesItsCallsAndGoesOnWithTheNextGeneration() {
    var script = SessionScript()
    script.openToLive()
    script.machine.callsReceived(generation: 1, [(id: "c1", name: "lights")], script.context)
    script.handleCame()
    var next = SessionMachine()
    next.handleUpdated(script.machine.handle)
    let actions = next.restarted(
      .fault("test"), from: script.machine.restartEstate, script.context)
    #expect(actions.count == 2)
    guard case .loseCalls(let calls) = actions.first else {
      Issue.record("calls not lost: \(actions)")
      return
    }
    #expect(calls.map(\.id) == ["c1"])
    #expect(actions.last == .requestAdmission(.resume, by: script.now))
    #expect(next.generation == 2)
  }
}
