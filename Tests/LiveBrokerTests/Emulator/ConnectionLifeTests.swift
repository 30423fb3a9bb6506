// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct ConnectionLifeTests {
  @Test func goAwayComesAMinuteAheadAndTheCutAtTenMinutes() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.pass(.seconds(600))
    let goAway = try #require(stage.timed(1).first { $0.json.contains("goAway") })
    #expect(goAway.json == #"{"goAway":{"timeLeft":"60s"}}"#)
    #expect(goAway.at == EngineInstant.zero.advanced(by: .seconds(540)))
    #expect(stage.closes(1) == [.ignoredGoAway])
    #expect(stage.closedAt(1) == EngineInstant.zero.advanced(by: .seconds(600)))
    #expect(CloseNotice.ignoredGoAway.reason.utf8.count <= 123)
    #expect(stage.service.totalsNow.goAwaysIgnored == 1)
  }

  @Test func aClientThatLeavesIsNotCut() {
    var stage = ServiceStage()
    stage.open(1)
    stage.pass(.seconds(550))
    stage.close(1)
    stage.drop(1)
    stage.pass(.seconds(600))
    #expect(stage.service.totalsNow.goAwaysIgnored == 0)
    #expect(stage.closes(1) == [.normal])
  }

  @Test func lifetimesMayBeSpreadAndGoAwayLeftOut() {
    var stage = ServiceStage {
      $0.connections.lifetimeJitter = .seconds(30)
      $0.connections.goAwayNotice = nil
    }
    for id in 1...20 as ClosedRange<ConnectionID> { stage.open(id) }
    stage.forgetLog()
    stage.pass(.seconds(600))
    let ends = (1...20 as ClosedRange<ConnectionID>).compactMap { stage.closedAt($0) }
    #expect(ends.count == 20)
    #expect(Set(ends).count == 20)
    #expect(stage.service.totalsNow.goAways == 0)
  }

  @Test(arguments: [
    (Duration.seconds(9.5) as Duration?, #"{"goAway":{"timeLeft":"9.500s"}}"#, 9.5),
    (.seconds(300), #"{"goAway":{"timeLeft":"300s"}}"#, 300),
    (.zero, #"{"goAway":{}}"#, 0), (nil, #"{"goAway":{}}"#, 60),
  ])
  func goAwayByCallCutsWhenItSays(left: Duration?, json: String, seconds: Double) {
    var stage = ServiceStage()
    stage.open(1)
    stage.forgetLog()
    let start = stage.now
    stage.inject(.goAway(timeLeft: left), 1)
    stage.pass(.seconds(400))
    #expect(stage.sent(1) == [json])
    #expect(stage.closedAt(1) == start.advanced(by: .seconds(seconds)))
  }

  @Test func aCloseOfTheClientIsAnsweredOnceAndFreesTheSession() throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.close(1, 1001)
    #expect(stage.closes(1) == [CloseNotice(code: 1001, reason: "")])
    stage.resume(2, handle: handle)
    #expect(stage.shape(2) == "setup handle")
  }

  @Test func aServiceThatDoesNotAnswerACloseCutsInTheEnd() {
    var stage = ServiceStage { $0.connections.answersClose = false }
    stage.open(1)
    stage.close(1)
    #expect(stage.closes(1).isEmpty)
    stage.pass(.seconds(10))
    #expect(stage.drops() == [1])
    #expect(stage.service.totalsNow.connectionsOpen == 0)
  }

  @Test func aCloseOfTheServiceThatNobodyAnswersEndsInACut() {
    var stage = ServiceStage()
    stage.open(1)
    stage.inject(.close(.unavailable), 1)
    #expect(stage.closes(1) == [.unavailable])
    stage.text(1, "too late")
    #expect(stage.service.totalsNow.messagesIgnored == 1)
    stage.pass(.seconds(10))
    #expect(stage.drops() == [1])
  }

  @Test func theStormCutsEverythingAtOnce() {
    var stage = ServiceStage()
    for id in 1...50 as ClosedRange<ConnectionID> { stage.open(id) }
    stage.service.dropAll(at: stage.now)
    stage.collect()
    #expect(stage.drops() == Array(1...50))
    #expect(stage.service.totalsNow.connectionsOpen == 0)
    #expect(stage.service.totalsNow.sessionsLive == 0)
  }

  @Test func aSessionWithoutCompressionEndsAfterFifteenMinutesOnItsConnections() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.pass(.seconds(500))
    let handle = try stage.handle(1)
    stage.close(1)
    stage.pass(.seconds(1_000))
    stage.resume(2, handle: handle)
    stage.pass(.seconds(400))
    #expect(stage.closes(2) == [.deadlineExpired])
    #expect(stage.closedAt(2) == EngineInstant.zero.advanced(by: .milliseconds(1_900_040)))
    stage.resume(3, handle: try stage.handle(2))
    #expect(stage.closes(3) == [.sessionNotFound])
  }

  @Test func withVideoItEndsAtTwoMinutes() {
    var stage = ServiceStage()
    stage.open(1)
    stage.say(1, #"{"realtimeInput":{"video":{"mimeType":"image/jpeg","data":"AAAA"}}}"#)
    stage.pass(.seconds(121))
    #expect(stage.closedAt(1) == EngineInstant.zero.advanced(by: .milliseconds(120_020)))
  }
}
