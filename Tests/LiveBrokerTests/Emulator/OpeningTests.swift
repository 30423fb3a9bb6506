// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct OpeningTests {
  @Test func setupCompleteComesFirstThenAHandle() throws {
    var stage = ServiceStage()
    stage.upgrade(1)
    stage.setup(1)
    #expect(stage.sent(1).isEmpty)
    stage.pass(.seconds(1))
    let sent = stage.timed(1)
    #expect(stage.shape(1) == "setup handle")
    #expect(sent.map(\.at.nanoseconds) == [20_000_000, 120_000_000])
    let update = try #require(try stage.messages(1).last?.sessionResumptionUpdate)
    #expect(update.resumable)
    #expect(update.newHandle?.count == 100)
  }

  @Test func withoutSessionResumptionNoHandleComesUnlessSwitchedSo() {
    for unasked in [false, true] {
      var stage = ServiceStage { $0.sessions.unaskedHandles = unasked }
      stage.open(1, setup: #"{"model":"models/fixture"}"#)
      #expect(stage.shape(1) == (unasked ? "setup handle" : "setup"))
    }
  }

  @Test(arguments: [
    (#"{"realtimeInput":{"text":"hi"}}"#, "Precondition check failed."),
    (#"{"client_content":{}}"#, "Precondition check failed."),
    (#"{"hello":{}}"#, #"Invalid JSON payload received. Unknown name "hello""#),
    (#"{"setup":{"model":"m","nonsense":1}}"#, #"Unknown name "nonsense" at 'setup'"#),
    (
      #"{"setup":{"model":"m","generationConfig":{"colour":1}}}"#,
      #"Unknown name "colour" at 'setup.generation_config'"#
    ),
    (#"{"setup":{"model":"m","tools":7}}"#, "Request contains an invalid argument."),
    (#"{"setup":{}}"#, "Request contains an invalid argument."),
    (#"{"setup""#, "Invalid JSON payload received."),
    ("", "Invalid JSON payload received."),
    ("[]", "Invalid JSON payload received."),
  ])
  func aWrongFirstMessageClosesWith1007(message: String, reason: String) throws {
    var stage = ServiceStage()
    stage.upgrade(1)
    stage.say(1, message)
    stage.pass(.seconds(1))
    let notice = try #require(stage.closes(1).first)
    #expect(notice.code == 1007)
    #expect(notice.reason.contains(reason))
    #expect(stage.sent(1).isEmpty)
    #expect(stage.service.totalsNow.setupsRefused == 1)
  }

  @Test func aSecondSetupClosesWith1007() {
    var stage = ServiceStage()
    stage.open(1)
    stage.setup(1)
    #expect(stage.closes(1) == [.preconditionFailed])
    #expect(stage.broken == [.setupOutOfOrder])
  }

  @Test func spellingsMayBeMixed() {
    var stage = ServiceStage()
    stage.open(
      1,
      setup: #"""
        {"model":"models/fixture","session_resumption":{},"generation_config":{
        "response_modalities":["TEXT"],"topK":40.0},"labels":{"session":"a"}}
        """#)
    #expect(stage.shape(1) == "setup handle")
    #expect(stage.service.report("a").sessions.count == 1)
  }

  @Test func everySetupOfTheCorpusForTheDeveloperAPIIsAccepted() throws {
    for name in [
      "everything", "labels", "tools_builtin", "minimal_no_config", "realtime_input_full",
      "session_resumption_new", "compression_full", "thinking_level", "history_config",
      "speech_voice_and_language", "safety_settings", "avatar_config", "transcription_options",
      "tools_function_json_schema", "translation_config", "generation_config_deprecated",
    ] {
      let fixture = try MintingTests.fixture("live/\(name).setup.json")
      var setup = try #require(fixture["message"]?["setup"]?.objectValue)
      if name == "everything" { setup["sessionResumption"] = [:] }
      var stage = ServiceStage()
      stage.open(1, setup: String(decoding: setup.encoded(), as: UTF8.self))
      #expect(stage.closes(1).isEmpty, "\(name)")
      #expect(stage.shape(1).hasPrefix("setup"), "\(name)")
    }
  }

  @Test func modelsAreJudged() {
    let configure: (inout ServiceConfiguration) -> Void = {
      $0.model.known = ["models/fixture"]
      $0.model.speaksText = false
    }
    var stage = ServiceStage(configure)
    stage.open(1, setup: #"{"model":"models/other"}"#)
    #expect(stage.closes(1).first?.code == 1008)
    stage.open(2, stage.token(), setup: #"{"model":"models/other"}"#)
    #expect(stage.closes(2) == [.projectScoped])
    stage.open(
      3,
      setup: #"{"model":"models/fixture","generationConfig":{"responseModalities":["TEXT"]}}"#)
    #expect(stage.closes(3) == [.modalityUnsupported])
  }

  @Test func aStandbyIsToleratedForAWhile() {
    var stage = ServiceStage()
    stage.upgrade(1)
    stage.pass(.seconds(59))
    #expect(stage.closes(1).isEmpty)
    stage.setup(1)
    stage.pass(.seconds(5))
    #expect(stage.shape(1) == "setup handle")
    stage.upgrade(2)
    stage.pass(.seconds(60))
    #expect(stage.closes(2) == [.deadlineExpired])
  }

  @Test func aMessageBeforeSetupCompleteIsServedAfterItAndCounted() {
    var stage = ServiceStage()
    stage.upgrade(1)
    stage.setup(1)
    stage.text(1, "early")
    #expect(stage.shape(1) == "setup none")
    #expect(stage.broken == [.messageBeforeSetupComplete])
    #expect(stage.account().remembered.tallies.text.count == 1)
  }

  @Test func oneMoreSessionThanTheLimitIsAQuotaClose() {
    var stage = ServiceStage { $0.sessions.concurrent = 2 }
    for id in 1...3 as ClosedRange<ConnectionID> { stage.open(id) }
    #expect(stage.closes(3) == [.quotaExceeded])
    stage.close(1)
    stage.open(4)
    #expect(stage.closes(4).isEmpty)
    #expect(stage.service.totalsNow.sessionsLivePeak == 2)
  }

  @Test func ghostsHoldTheirSeatUntilTheirTimeIsOver() {
    var stage = ServiceStage {
      $0.sessions.concurrent = 1
      $0.connections.ghostLag = .seconds(5)
    }
    stage.open(1)
    stage.drop(1)
    stage.open(2)
    #expect(stage.closes(2) == [.quotaExceeded])
    stage.pass(.seconds(5))
    stage.open(3)
    #expect(stage.closes(3).isEmpty)
  }

  @Test func aConnectionNumberInUseIsRefused() {
    var stage = ServiceStage()
    stage.upgrade(1)
    #expect(stage.upgrade(1) == .refused(status: 400, retryAfter: nil))
  }

  @Test func serverJSONCanBeLaidOutOverLines() {
    var stage = ServiceStage { $0.prettyPrinted = true }
    stage.open(1)
    #expect(stage.sent(1).first == "{\n  \"setupComplete\": {}\n}\n")
  }
}

@Suite struct AdmissionTests {
  @Test func aThousandPerSecondComeInBurstsOfTenMilliseconds() {
    var stage = ServiceStage { $0.admitPerSecond = 1_000 }
    var admitted = 0
    for id in 0..<100 as Range<ConnectionID> where stage.upgrade(id) == .accepted { admitted += 1 }
    #expect(admitted == 10)
    #expect(stage.upgrade(200) == .refused(status: 503, retryAfter: nil))
    stage.pass(.milliseconds(3))
    let later = (300..<310 as Range<ConnectionID>).filter { stage.upgrade($0) == .accepted }
    #expect(later.count == 3)
    #expect(stage.service.totalsNow.upgradesRefused == 90 + 1 + 7)
  }

  @Test(arguments: [1, 3, 7, 1_000, 333])
  func overTenSecondsTheRateIsAdmitted(rate: Int) {
    var bucket = AdmissionBucket(perSecond: rate, burst: .milliseconds(10), at: .zero)
    while bucket.admits(at: .zero) {}
    var admitted = 0
    for tick in 1...100_000 {
      let now = EngineInstant(nanoseconds: Int64(tick) * 100_000)
      if bucket.admits(at: now) { admitted += 1 }
    }
    // A bucket of one can lose the fraction that is left when it is full.
    #expect((rate * 10 - 1...rate * 10).contains(admitted))
  }

  @Test func upgradesCanBeRefusedByCall() {
    var stage = ServiceStage()
    stage.service.refuseNextUpgrades(1, status: 429, retryAfter: .seconds(3))
    #expect(stage.upgrade(1) == .refused(status: 429, retryAfter: .seconds(3)))
    #expect(stage.upgrade(1) == .accepted)
  }
}
