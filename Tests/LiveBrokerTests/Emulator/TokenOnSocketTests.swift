// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct TokenOnSocketTests {
  @Test func aTokenStartsAsManySessionsAsItHasUses() {
    var stage = ServiceStage()
    let token = stage.token(#"{"uses":2}"#)
    for id in 1...3 as ClosedRange<ConnectionID> { stage.open(id, token) }
    #expect(stage.closes(2).isEmpty)
    #expect(stage.closes(3) == [.tokenUsedUp])
    #expect(stage.broken == [.startedOnSpentToken])
  }

  @Test func zeroUsesMeansNoLimit() {
    var stage = ServiceStage()
    let token = stage.token(#"{"uses":0}"#)
    for id in 1...5 as ClosedRange<ConnectionID> { stage.open(id, token) }
    #expect(stage.service.totalsNow.sessionsStarted == 5)
  }

  @Test func aResumeIsFreeEvenOnASpentTokenAndAfterItsWindow() throws {
    var stage = ServiceStage()
    let token = stage.token()
    stage.open(1, token)
    let handle = try stage.handle(1)
    stage.pass(.seconds(90))
    stage.close(1)
    stage.resume(2, handle: handle, token)
    #expect(stage.service.totalsNow.sessionsResumed == 1)
    #expect(stage.closes(2).isEmpty)
    #expect(stage.broken.isEmpty)
  }

  @Test func inStrictModeAResumeCountsAndNobodyIsBlamedForTheRefusal() throws {
    var stage = ServiceStage { $0.credentials.resumptionCountsAsUse = true }
    let token = stage.token(#"{"uses":2}"#)
    stage.open(1, token)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.resume(2, handle: handle, token)
    let second = try stage.handle(2)
    stage.close(2)
    stage.resume(3, handle: second, token)
    #expect(stage.closes(3) == [.tokenUsedUp])
    stage.open(4, token)
    #expect(stage.closes(4) == [.tokenUsedUp])
    #expect(stage.broken.isEmpty)
    stage.resume(5, handle: second, stage.token())
    #expect(stage.service.totalsNow.sessionsResumed == 2)
  }

  @Test func aSetupThatDiesBeforeItsCompletionGivesTheUseBack() {
    var stage = ServiceStage()
    let token = stage.token()
    stage.upgrade(1, token)
    stage.setup(1)
    stage.drop(1)
    stage.open(2, token)
    #expect(stage.closes(2).isEmpty)
    #expect(stage.service.totalsNow.sessionsStarted == 1)
  }

  @Test(arguments: [
    (Duration.seconds(59), [CloseNotice](), [BrokenPromise.Kind]()),
    (.seconds(60), [.windowClosed], []),
    (.seconds(61), [.windowClosed], []),
    (.seconds(63), [.windowClosed], [.startedAfterWindow]),
  ])
  func theWindowIsSixtySecondsAndLatenessIsForgivenForAWhile(
    age: Duration, closes: [CloseNotice], broken: [BrokenPromise.Kind]
  ) {
    var stage = ServiceStage()
    let token = stage.token()
    stage.pass(age)
    stage.open(1, token)
    #expect(stage.closes(1) == closes)
    #expect(stage.broken == broken)
  }

  @Test func askedTimesAreTheServicesWallTimeAndSkewIsForgiven() {
    var stage = ServiceStage { $0.clockSkew = .seconds(40) }
    let asked = stage.epoch.advanced(by: .seconds(60)).rfc3339
    let token = stage.token(#"{"newSessionExpireTime":"\#(asked)"}"#)
    stage.pass(.seconds(30))
    stage.open(1, token)
    #expect(stage.closes(1) == [.windowClosed])
    #expect(stage.broken.isEmpty)
  }

  @Test func anOpenSocketIsClosedWhenItsTokenExpires() {
    var stage = ServiceStage { $0.connections.lifetime = .seconds(7_200) }
    stage.open(1, stage.token(), setup: Self.unlimited)
    stage.pass(.seconds(1_800))
    #expect(stage.closes(1) == [.tokenExpiredWhileOpen])
    #expect(stage.closedAt(1) == EngineInstant.zero.advanced(by: .seconds(1_800)))
  }

  @Test func anExpiredTokenOpensAndResumesNothing() throws {
    var stage = ServiceStage()
    let token = stage.token()
    stage.open(1, token)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.pass(.seconds(1_801))
    stage.resume(2, handle: handle, token)
    #expect(stage.closes(2) == [.tokenExpired])
    stage.pass(.seconds(3_600))
    stage.upgrade(3, token)
    #expect(stage.closes(3) == [.tokenExpired], "known as expired after its record is gone")
    stage.resume(4, handle: handle, stage.token())
    #expect(stage.service.totalsNow.sessionsResumed == 1)
  }

  @Test func aMessageOnAnExpiredCredentialBreaksAPromiseOnceItCannotHaveCrossed() {
    var stage = ServiceStage { $0.connections.lifetime = .seconds(7_200) }
    stage.open(1, stage.token(), setup: Self.unlimited)
    stage.pass(.seconds(1_800))
    stage.text(1, "crossed")
    #expect(stage.broken.isEmpty)
    stage.pass(.seconds(3))
    stage.text(1, "late")
    #expect(stage.broken == [.messageAfterExpiry])
  }

  @Test(arguments: [
    (nil, CloseNotice.tokenMalformed),
    (Credential.ephemeralToken(Secret("auth_tokens/made-up")), .tokenMalformed),
    (.apiKey(Secret("BAD")), .keyInvalid),
  ])
  func badCredentialsAreUpgradedAndThenClosed(credential: Credential?, notice: CloseNotice) {
    var stage = ServiceStage { $0.credentials.refusedKeys = [Secret("BAD")] }
    #expect(stage.upgrade(1, credential) == .accepted)
    #expect(stage.closes(1) == [notice])
  }

  /// Compressed, so that it has no length of its own.
  private static let unlimited = #"{"model":"models/fixture","contextWindowCompression":{}}"#

  // MARK: Locks (the truth table)

  private static let locked = #""bidiGenerateContentSetup":{"model":"models/locked"}"#

  @Test(arguments: [
    ("{}", "models/mine"),
    ("{\(locked)}", "models/locked"),
    (#"{\#(locked),"fieldMask":"model"}"#, "models/locked"),
    (#"{\#(locked),"fieldMask":"tools"}"#, "models/mine"),
  ])
  func theModelInEffectFollowsTheTruthTable(body: String, model: String) {
    var stage = ServiceStage { $0.model.known = [model] }
    stage.open(1, stage.token(body), setup: #"{"model":"models/mine"}"#)
    #expect(stage.shape(1) == "setup")
  }

  @Test func aMaskWithoutASetupForcesTheDefault() {
    var stage = ServiceStage()
    stage.open(1, stage.token(#"{"fieldMask":"model"}"#))
    #expect(stage.closes(1) == [.projectScoped])
  }

  @Test func nestedLockedFieldsReplaceOnlyThemselves() throws {
    let mask = try #require(FieldMask("generation_config.temperature,generationConfig.topK"))
    let own = try JSONValue(
      decoding: Array(#"{"generation_config":{"temperature":1,"topP":2,"top_k":3}}"#.utf8))
    let locked = try JSONValue(
      decoding: Array(#"{"generationConfig":{"temperature":0.5}}"#.utf8))
    let effective = mask.lock(
      try #require(own.objectValue), to: try #require(locked.objectValue))
    #expect(
      JSONValue.object(effective) == ["generationConfig": ["topP": 2, "temperature": 0.5]])
  }

  @Test func aResumeThatALockHidesIsNobodysFaultWhenItIsRefused() throws {
    var stage = ServiceStage()
    let setup = #"{"model":"models/fixture","sessionResumption":{}}"#
    let token = stage.token(#"{"bidiGenerateContentSetup":\#(setup)}"#)
    stage.open(1, token)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.resume(2, handle: handle, token)
    #expect(stage.closes(2) == [.tokenUsedUp])
    #expect(stage.broken.isEmpty)
  }

  @Test(arguments: [(true, 2, 0), (false, 1, 1)])
  func aFullLockHidesResumptionIfSwitchedSo(hides: Bool, started: Int, resumed: Int) throws {
    var stage = ServiceStage { $0.credentials.fullLockHidesResumption = hides }
    let setup = #"{"model":"models/fixture","sessionResumption":{}}"#
    let body = #"{"uses":0,"bidiGenerateContentSetup":\#(setup)}"#
    let token = stage.token(body)
    stage.open(1, token)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.resume(2, handle: handle, token)
    #expect(stage.service.totalsNow.sessionsStarted == started)
    #expect(stage.service.totalsNow.sessionsResumed == resumed)
  }
}
