// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct SessionMachineRotationTests {
  @Test func goAwayAtAQuietMomentStartsAStandbyAtOnce() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    let actions = script.goAway(.seconds(60))
    #expect(actions == [.requestAdmission(.plannedMove, by: script.now.advanced(by: .seconds(57)))])
    #expect(script.machine.phase == .rotating)
    #expect(script.machine.sendingGeneration == 1)
  }

  @Test func aReadyStandbyTakesOverOnceTheCloseIsAnswered() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.goAway(.seconds(60))
    _ = script.admitted()
    let actions = script.dialed(2)
    #expect(actions == [.hold, .close(generation: 1)])
    #expect(script.machine.sendingGeneration == nil)
    script.pass(.milliseconds(50))
    #expect(script.connectionLost(1) == [.sendSetup(generation: 2)])
    script.pass(.milliseconds(70))
    let live = script.setupCompleted(2)
    guard case .goLive(2, let interruption) = live.first else {
      Issue.record("not live: \(live)")
      return
    }
    #expect(interruption.cause == .planned(.goAway))
    #expect(interruption.since.duration(to: script.now) == .milliseconds(120))
    #expect(interruption.dials == 1)
  }

  @Test func theOptimisticHandOverSendsTheSetupRightBehindTheClose() {
    var script = SessionScript { $0.rotation.handover = .optimistic }
    script.openToLive()
    script.handleCame()
    _ = script.goAway(.seconds(60))
    _ = script.admitted()
    #expect(
      script.dialed(2)
        == [.hold, .close(generation: 1), .sendSetup(generation: 2)])
    // Refused because the old socket still counts: dial again at once, at nobody's charge.
    #expect(script.connectionLost(1) == [])
    let actions = script.connectionLost(2, .handleRefused)
    #expect(
      actions == [.abort(generation: 2), .requestAdmission(.resume, by: script.now)])
    #expect(script.machine.attempts == 0)
  }

  @Test func aTurnIsNotCutWhileThereIsTime() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.heard(.modelSpoke)
    script.handleWithheld()
    #expect(script.goAway(.seconds(60)) == [])
    script.pass(.seconds(20))
    let early = script.timer()
    #expect(early.isEmpty)
    #expect(script.machine.phase == .live)
    script.handleCame()
    let actions = script.heard(.turnEnded)
    #expect(actions.count == 1)
    #expect(script.machine.phase == .rotating)
  }

  @Test func whenTheQuietPointNeverComesMediaIsHeldAndTheMoveIsForced() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.prepareStandby()
    #expect(script.machine.phase == .rotating)
    let holdAt = script.machine.nextDeadline(script.limits)
    script.now = holdAt
    #expect(script.timer().contains(.hold))
    #expect(script.machine.sendingGeneration == nil)
    script.pass(.seconds(2))
    let actions = script.timer()
    #expect(actions.contains(.close(generation: 1)))
    // What the old connection says until its close still counts.
    #expect(!actions.contains(.endTurn))
    let after = script.connectionLost(1)
    #expect(after == [.endTurn, .sendSetup(generation: 2)])
  }

  @Test func aTurnThatEndsOnTheClosingConnectionIsNotCut() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.prepareStandby()
    script.pass(.seconds(10))
    #expect(script.timer().contains(.close(generation: 1)))
    _ = script.machine.heard(generation: 1, .turnEnded, script.context)
    #expect(script.connectionLost(1) == [.sendSetup(generation: 2)])
  }

  @Test func aDrainingSessionThatFallsSilentEnds() {
    var script = SessionScript()
    script.openToLive()
    _ = script.heard(.modelSpoke)
    let end = SessionEnd(.drained, message: "drained")
    _ = script.drainRequested(by: script.now.advanced(by: .seconds(3_600)), end)
    script.pass(.seconds(75))
    #expect(
      script.timer() == [.abort(generation: 1), .endTurn, .cancelRequests, .end(end)])
  }

  @Test func aLifeLimitBesideAnUnansweredCloseEndsTheSessionOnce() {
    var script = SessionScript { $0.limits.longestLife = .seconds(60) }
    script.openToLive()
    script.pass(.seconds(60))
    #expect(script.timer().contains(.close(generation: 1)))
    #expect(script.machine.nextDeadline(script.limits) > script.now)
    script.pass(.seconds(2))
    #expect(script.timer() == [.abort(generation: 1), .cancelRequests, .end(.lifeLimitReached)])
  }

  @Test func aGhostOfTheOldConnectionIsWaitedOutWithGrowingDelaysAtNobodysCharge() {
    var script = SessionScript { $0.retry.attemptsPerOutage = 0 }
    script.openToLive()
    script.handleCame()
    script.draw = .max
    _ = script.connectionLost(1, .retryUncharged)
    var delays: [Duration] = []
    for generation in UInt32(2)...5 {
      let before = script.now
      _ = script.nextTimer()
      delays.append(before.duration(to: script.now))
      _ = script.admitted()
      _ = script.dialed(generation)
      _ = script.connectionLost(generation, .retryUncharged)
    }
    #expect(delays == delays.sorted() && delays.last! > delays.first!)
    #expect(!script.machine.hasEnded)
  }

  @Test func aHandleThatCoversTheHeldMediaEndsTheWait() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.pass(.seconds(1))
    script.machine.sent([], script.context)
    _ = script.goAway(.seconds(60))
    script.pass(.seconds(52))
    _ = script.timer()
    _ = script.admitted()
    _ = script.dialed(2)
    script.pass(.seconds(3))
    _ = script.timer()
    #expect(script.machine.sendingGeneration == nil)
    script.pass(.milliseconds(500))
    script.handleCame()
    #expect(script.heard([]) == [.close(generation: 1)])
  }

  @Test(arguments: [Duration?.none, .zero, .seconds(-1), .milliseconds(1)])
  func aNoticeWithoutTimeMovesAtOnce(timeLeft: Duration?) {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.heard(.modelSpoke)
    let actions = script.goAway(timeLeft)
    if timeLeft == .milliseconds(1) {
      script.pass(.milliseconds(1))
      #expect(script.timer().contains(.close(generation: 1)))
    } else {
      #expect(actions.contains(.close(generation: 1)))
    }
  }

  @Test func aSecondNoticeDoesNotStartASecondMove() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.goAway(.seconds(60))
    let generation = script.machine.generation
    #expect(script.goAway(.seconds(50)) == [])
    #expect(script.machine.generation == generation)
  }

  @Test func aPendingCallHoldsTheMoveUntilItsResultIsCovered() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.machine.callsReceived(generation: 1, [(id: "c1", name: "lights")], script.context)
    #expect(script.goAway(.seconds(60)) == [])
    script.pass(.seconds(10))
    #expect(script.callAnswered("c1") == true)
    script.machine.sent(.asksForAnswer, script.context)
    #expect(script.considered() == [])
    script.pass(.seconds(1))
    script.handleCame()
    #expect(script.considered().count == 1)
  }

  @Test func aCallThatIsNeverAnsweredIsLostHonestlyAtTheDeadline() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.machine.callsReceived(generation: 1, [(id: "c1", name: "lights")], script.context)
    _ = script.goAway(.seconds(60))
    var actions: [SessionMachine.Action] = []
    while !script.machine.openCalls.isEmpty { actions += script.nextTimer() }
    #expect(actions.contains { if case .loseCalls = $0 { true } else { false } })
    #expect(script.callAnswered("c1") == false)
  }

  @Test func aTokenThatWouldNotOutliveTheNextConnectionIsReplacedInTheSameMove() {
    var script = SessionScript()
    script.openToLive(expiresIn: .seconds(1_100))
    script.handleCame()
    script.pass(.seconds(540))
    #expect(
      script.goAway(.seconds(60))
        == [.acquireCredential(.resume, by: script.now.advanced(by: .seconds(57)))])
  }

  @Test func aTokenThatOutlivesTheNextConnectionIsKept() {
    var script = SessionScript()
    script.openToLive(expiresIn: .seconds(1_800))
    script.handleCame()
    script.pass(.seconds(540))
    #expect(
      script.goAway(.seconds(60))
        == [.requestAdmission(.plannedMove, by: script.now.advanced(by: .seconds(57)))])
  }

  @Test func theTokensEndMovesASessionThatNobodyElseMoves() {
    var script = SessionScript()
    script.openToLive(expiresIn: .seconds(1_800))
    let openedAt = script.now
    while script.machine.phase == .live {
      script.now = max(script.now, script.machine.nextDeadline(script.limits))
      script.handleCame()
      script.machine.ponged(generation: 1, script.context)
      _ = script.timer()
    }
    #expect(script.machine.phase == .rotating)
    let age = openedAt.duration(to: script.now)
    #expect(age > .seconds(1_700) && age < .seconds(1_800))
  }

  @Test func aStandbyThatIsRefusedCostsNothingAndIsTriedAgain() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.goAway(.seconds(60))
    _ = script.admitted()
    #expect(
      script.dialFailed(2)
        == [.abort(generation: 2)])
    #expect(script.machine.phase == .live)
    #expect(script.machine.attempts == 0)
    #expect(!script.nextTimer().isEmpty)
    #expect(script.machine.phase == .rotating)
    #expect(script.machine.generation == 3)
  }

  @Test func aCloseThatIsNeverAnsweredDoesNotHoldUpTheMove() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.goAway(.seconds(60))
    _ = script.admitted()
    _ = script.dialed(2)
    #expect(script.machine.nextDeadline(script.limits) == script.now.advanced(by: .seconds(2)))
    #expect(script.nextTimer() == [.abort(generation: 1), .sendSetup(generation: 2)])
  }

  @Test func movesOfSessionsOpenedTogetherAreSpreadOverTheNotice() {
    var starts: Set<Int64> = []
    for draw in stride(from: UInt64(0), to: .max - (.max / 16), by: Int(UInt64.max / 16 / 2) * 2) {
      var script = SessionScript { $0.rotation.spread = 0.5 }
      script.openToLive()
      script.handleCame()
      script.draw = draw
      _ = script.goAway(.seconds(60))
      starts.insert((script.machine.live?.rotation.from ?? .zero).nanoseconds)
    }
    #expect(starts.count >= 15)
    let span = (starts.max() ?? 0) - (starts.min() ?? 0)
    #expect(span > 20_000_000_000)
  }
}
