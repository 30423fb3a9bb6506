// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct SessionMachineLiveTests {
  @Test func aLostConnectionIsFollowedByAResumeAfterJitter() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.draw = .max / 2
    #expect(script.connectionLost(1) == [])
    #expect(script.machine.phase == .waiting)
    let delay = script.now.duration(to: script.machine.nextDeadline(script.limits))
    #expect(delay > .milliseconds(120) && delay < .milliseconds(130))
    #expect(script.nextTimer() == [.requestAdmission(.resume, by: script.now)])
  }

  @Test func aTurnCutByALossGetsItsEnd() {
    var script = SessionScript()
    script.openToLive()
    _ = script.heard(.modelSpoke)
    #expect(script.connectionLost(1).first == .endTurn)
  }

  @Test func aStandbyThatIsReadyTakesOverAfterALoss() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.prepareStandby()
    #expect(script.connectionLost(1) == [.endTurn, .sendSetup(generation: 2)])
  }

  @Test func silenceBeyondTheLimitCountsAsALoss() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    var actions: [SessionMachine.Action] = []
    let start = script.now
    while script.machine.phase == .live { actions = script.nextTimer() }
    #expect(start.duration(to: script.now) == .seconds(75))
    #expect(actions.first == .abort(generation: 1))
  }

  @Test func aPongThirtySecondsLateKeepsTheConnection() {
    var script = SessionScript()
    script.openToLive()
    for _ in 0..<20 {
      script.pass(.seconds(30))
      _ = script.timer()
      script.pass(.seconds(30))
      script.machine.ponged(generation: 1, script.context)
    }
    #expect(script.machine.phase == .live)
  }

  @Test func aResumedSessionThatNeverAnswersHasAPoisonedHandle() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.connectionLost(1)
    _ = script.nextTimer()
    _ = script.admitted()
    _ = script.dialed(2)
    _ = script.setupCompleted(2)
    _ = script.machine.sent(.asksForAnswer, script.context)
    script.pass(.seconds(30))
    script.machine.ponged(generation: 2, script.context)
    let actions = script.timer()
    #expect(actions.starts(with: [.abort(generation: 2), .dropHandle]))
    #expect(
      actions.last == .acquireCredential(.newSession, by: script.now.advanced(by: .seconds(1_800))))
  }

  @Test func aStandbyThatWasToResumeDoesNotBeginAnewWhenTheHandleIsPoisoned() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.connectionLost(1)
    _ = script.nextTimer()
    _ = script.admitted()
    _ = script.dialed(2)
    _ = script.setupCompleted(2)
    script.pass(.seconds(1))
    _ = script.goAway(.seconds(10))
    script.pass(.seconds(6))
    _ = script.timer()
    _ = script.admitted()
    _ = script.dialed(3)
    #expect(script.machine.attempt?.phase == .ready)
    _ = script.machine.sent(.asksForAnswer, script.context)
    var limits = SessionConfiguration(model: "models/test")
    limits.liveness.answerLimit = .zero
    script.limits = SessionLimits(limits)
    script.machine.handleUpdated(.init(isKnown: true))
    _ = script.machine.heard(generation: 2, .userHeard, script.context)
    let actions = script.timer()
    #expect(actions.contains(.dropHandle))
    #expect(actions.contains(.abort(generation: 3)))
    #expect(!actions.contains(.sendSetup(generation: 3)))
  }

  @Test func anIdleResumedSessionIsNotTakenForPoisoned() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    _ = script.connectionLost(1)
    _ = script.nextTimer()
    _ = script.admitted()
    _ = script.dialed(2)
    _ = script.setupCompleted(2)
    for _ in 0..<10 {
      script.pass(.seconds(30))
      script.machine.ponged(generation: 2, script.context)
      _ = script.timer()
    }
    #expect(script.machine.live?.generation == 2)
  }

  @Test func attemptsAreForgivenOnlyAfterAStablePeriod() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    for _ in 0..<3 {
      _ = script.connectionLost(script.machine.generation)
      _ = script.nextTimer()
      _ = script.admitted()
      _ = script.dialed(script.machine.generation)
      _ = script.setupCompleted(script.machine.generation)
      script.pass(.seconds(1))
    }
    #expect(script.machine.attempts == 3)
    script.pass(.seconds(31))
    _ = script.connectionLost(script.machine.generation)
    #expect(script.machine.attempts == 1)
  }

  @Test func anAcceptThenCloseLoopEndsInsteadOfRunningHot() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    let start = script.now
    var dials = 0
    while !script.machine.hasEnded {
      _ = script.connectionLost(script.machine.generation)
      guard !script.machine.hasEnded else { break }
      script.draw = script.draw &+ 0x9E37_79B9_7F4A_7C15
      _ = script.nextTimer()
      _ = script.admitted()
      dials += 1
      _ = script.dialed(script.machine.generation)
      _ = script.setupCompleted(script.machine.generation)
    }
    #expect(dials == 40)
    #expect(start.duration(to: script.now) > .seconds(60))
  }

  @Test func closingIsBoundedByItsTimeout() {
    var script = SessionScript()
    script.openToLive()
    let end = SessionEnd(.closedByApplication, message: "done")
    #expect(script.closeRequested(end) == [.close(generation: 1)])
    #expect(script.machine.phase == .draining)
    let actions = script.nextTimer()
    #expect(actions == [.abort(generation: 1), .cancelRequests, .end(end)])
    #expect(script.machine.phase == .closed)
  }

  @Test func drainingLetsATurnFinish() {
    var script = SessionScript()
    script.openToLive()
    _ = script.heard(.modelSpoke)
    let end = SessionEnd(.drained, message: "x")
    let limit = script.now.advanced(by: .seconds(30))
    #expect(script.drainRequested(by: limit, end) == [])
    script.pass(.seconds(5))
    #expect(script.heard(.turnEnded) == [.close(generation: 1)])
  }

  @Test func anIdleSessionEndsAtItsTimeoutAndAnOldOneAtItsLife() {
    var idle = SessionScript { $0.limits.idleTimeout = .seconds(40) }
    idle.openToLive()
    var life = SessionScript { $0.limits.longestLife = .seconds(50) }
    life.openToLive()
    for second in 1...60 {
      for script in [0, 1] {
        if script == 0 {
          idle.pass(.seconds(1))
          idle.machine.ponged(generation: 1, idle.context)
          _ = idle.timer()
        } else {
          life.pass(.seconds(1))
          life.machine.ponged(generation: 1, life.context)
          _ = life.timer()
        }
      }
      #expect((idle.machine.phase == .live) == (second < 40))
      #expect((life.machine.phase == .live) == (second < 50))
    }
  }

  @Test func aCallThatNobodyAnswersEndsWithAnError() {
    var script = SessionScript { $0.toolCalls.timeLimit = .seconds(10) }
    script.openToLive()
    script.machine.callsReceived(generation: 1, [(id: "c1", name: "lights")], script.context)
    script.pass(.seconds(10))
    let actions = script.timer()
    #expect(
      actions.contains { if case .expireCalls(let c) = $0 { c.first?.id == "c1" } else { false } })
    #expect(script.machine.openCalls.isEmpty)
  }

  @Test func aSocketThatIsNotReadIsMovedBeforeItsUnreadNoticeRunsOut() {
    var script = SessionScript()
    script.openToLive()
    script.handleCame()
    script.machine.readingPaused(true, script.context)
    let start = script.now
    while script.machine.phase == .live { _ = script.nextTimer() }
    #expect(script.machine.phase == .rotating)
    #expect(start.duration(to: script.now) <= .seconds(480))
  }
}
