// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct ScriptedModelTests {
  private static let spoken = #"""
    {"model":"models/fixture","inputAudioTranscription":{},"outputAudioTranscription":{}}
    """#
  private static let manual = #"""
    {"model":"models/fixture","realtimeInputConfig":{"automatic_activity_detection":{"disabled":true}}}
    """#

  private static func stage(
    _ setup: String, _ configure: (inout ServiceConfiguration) -> Void = { _ in }
  ) -> ServiceStage {
    var stage = ServiceStage(configure)
    stage.open(1, setup: setup)
    stage.forgetLog()
    return stage
  }

  @Test func speechEndsBySilenceAndIsAnsweredInRealTime() throws {
    var stage = Self.stage(Self.spoken)
    let start = stage.now
    stage.audio(1, [1, 0, 1, 0])
    stage.pass(.seconds(10))
    #expect(
      stage.shape(1)
        == "heard said audio audio audio audio audio audio audio audio audio audio generated turn")
    let times = stage.timed(1).map { start.duration(to: $0.at) }
    #expect(times.first == .milliseconds(600))
    #expect(times[1] == .milliseconds(900))
    #expect(times[3] == .milliseconds(1_100))
    #expect(times.last == .milliseconds(2_900), "held until 2 s of audio have been played")
    let audio = try stage.messages(1).compactMap {
      $0.serverContent?.modelTurn?.parts.first?.inlineData
    }
    #expect(audio.allSatisfy { $0.mimeType == "audio/pcm;rate=24000" && $0.data.count == 9_600 })
    #expect(audio.enumerated().allSatisfy { $1.data[0] == UInt8($0 % 8) })
  }

  @Test func silentSamplesAreNoSpeech() {
    var stage = Self.stage(Self.spoken)
    for _ in 0..<20 {
      stage.audio(1, [UInt8](repeating: 0, count: 640))
      stage.pass(.milliseconds(100))
    }
    #expect(stage.sent(1).isEmpty)
    stage.audio(1, [0, 0, 0, 1])
    for _ in 0..<8 {
      stage.audio(1, [0, 0])
      stage.pass(.milliseconds(100))
    }
    #expect(stage.shape(1) == "heard")
  }

  @Test func audioStreamEndEndsTheUtteranceAtOnce() {
    var stage = Self.stage(Self.spoken)
    stage.audio(1, [1, 1])
    stage.say(1, #"{"realtimeInput":{"audioStreamEnd":true}}"#)
    #expect(stage.shape(1) == "heard")
  }

  @Test func withManualActivityOnlyTheMarksCount() {
    var stage = Self.stage(Self.manual)
    stage.audio(1, [1, 1])
    stage.pass(.seconds(5))
    #expect(stage.sent(1).isEmpty)
    stage.say(1, #"{"realtimeInput":{"activityStart":{}}}"#)
    stage.audio(1, [1, 1])
    stage.pass(.seconds(5))
    #expect(stage.sent(1).isEmpty)
    stage.say(1, #"{"realtimeInput":{"activityEnd":{}}}"#)
    stage.pass(.seconds(5))
    #expect(stage.shape(1).hasSuffix("generated turn"))
  }

  @Test func marksUnderAutomaticDetectionCloseWith1007() {
    var stage = Self.stage(Self.spoken)
    stage.say(1, #"{"realtimeInput":{"activityStart":{}}}"#)
    #expect(stage.closes(1) == [.explicitActivity])
  }

  @Test func speechInterruptsAnAnswer() {
    var stage = Self.stage(Self.spoken)
    stage.text(1, "long")
    stage.pass(.milliseconds(750))
    stage.audio(1, [1, 1])
    #expect(stage.shape(1) == "said audio audio audio interrupted turn")
    stage.pass(.seconds(10))
    #expect(stage.service.totalsNow.turnsInterrupted == 1)
    #expect(stage.service.totalsNow.turns == 2)
  }

  @Test func withoutInterruptionSpeechWaitsForItsTurn() {
    var stage = Self.stage(
      #"""
      {"model":"models/fixture","inputAudioTranscription":{},
      "realtimeInputConfig":{"activityHandling":"NO_INTERRUPTION"}}
      """#)
    stage.text(1, "hello")
    stage.pass(.milliseconds(400))
    stage.audio(1, [1, 1])
    stage.pass(.seconds(20))
    #expect(stage.service.totalsNow.turns == 2)
    #expect(stage.service.totalsNow.turnsInterrupted == 0)
    #expect(stage.shape(1).contains("turn heard text"))
  }

  @Test func contentInterruptsAndTextAnswersText() {
    var stage = Self.stage(Self.spoken)
    stage.text(1, "one")
    stage.pass(.milliseconds(400))
    stage.say(1, #"{"clientContent":{"turns":[{"parts":[{"text":"a"}]}]}}"#)
    #expect(stage.shape(1) == "said audio interrupted turn")
    stage.pass(.seconds(5))
    #expect(stage.shape(1) == "said audio interrupted turn", "more may follow")
    stage.say(1, #"{"clientContent":{"turns":[{"parts":[{"text":"b"}]}],"turnComplete":true}}"#)
    stage.pass(.seconds(5))
    #expect(stage.sent(1).contains { $0.contains("You said: b") })
  }

  @Test func longAnswersHoldTwentySecondsAndProbesEcho() {
    var stage = Self.stage(Self.spoken) { $0.model.chunkInterval = .zero }
    stage.text(1, "a LONG story")
    stage.pass(.seconds(30))
    #expect(stage.sent(1).count { $0.contains("inlineData") } == 100)
    stage.text(1, "probe 42")
    stage.pass(.seconds(30))
    #expect(stage.sent(1).contains { $0.contains("probe-ok probe 42") })
  }

  @Test func briefAnswersAreFourMessages() {
    var stage = Self.stage(Self.spoken) { $0.model.verbosity = .brief }
    stage.text(1, "hello")
    stage.pass(.milliseconds(300))
    #expect(stage.shape(1) == "said audio generated turn")
    #expect(stage.sent(1).allSatisfy { $0.utf8.count < 300 })
  }

  @Test func usageGrowsWithWhatIsRemembered() throws {
    var stage = Self.stage(Self.spoken)
    stage.audio(1, [UInt8](repeating: 1, count: 32_000))
    stage.pass(.seconds(10))
    let usage = try #require(try stage.messages(1).compactMap(\.usageMetadata).last)
    #expect(usage.promptTokenCount == 25)
    #expect(usage.responseTokenCount == 50)
  }

  // MARK: Calls

  private static func answer(_ id: String, _ response: String = #"{"output":1}"#) -> String {
    #"{"toolResponse":{"functionResponses":[{"id":"\#(id)","name":"lights","response":\#(response)}]}}"#
  }

  private static func calling(
    model: String = "models/fixture", _ text: String = "tool"
  ) throws -> (stage: ServiceStage, ids: [String]) {
    var stage = Self.stage(
      #"{"model":"\#(model)","tools":[{"functionDeclarations":[{"name":"lights"}]}]}"#)
    stage.text(1, text)
    stage.pass(.milliseconds(300))
    let calls = try #require(try stage.messages(1).last?.toolCall?.functionCalls)
    #expect(calls.allSatisfy { $0.name == "lights" })
    return (stage, calls.compactMap(\.id))
  }

  @Test func aCallWaitsForItsResponseAndThenAnswers() throws {
    var (stage, ids) = try Self.calling()
    #expect(ids == ["function-call-1000000000000000001"])
    #expect(stage.account().pendingCalls == ids)
    stage.pass(.seconds(100))
    #expect(stage.shape(1) == "call")
    stage.say(1, Self.answer(ids[0]))
    stage.pass(.seconds(10))
    #expect(stage.sent(1).contains { $0.contains(#"The tool said: {\"output\":1}"#) })
    let kinds = stage.account().remembered.items.map(\.kind)
    #expect(
      kinds.last == .toolResponse(id: ids[0], name: "lights", response: #"{"output":1}"#))
  }

  @Test func twoCallsNeedTwoResponses() throws {
    var (stage, ids) = try Self.calling("tools")
    #expect(ids.count == 2)
    stage.say(1, Self.answer(ids[1]))
    stage.pass(.seconds(5))
    #expect(stage.shape(1) == "call")
    stage.say(1, Self.answer(ids[0]))
    stage.pass(.seconds(5))
    #expect(stage.shape(1).hasSuffix("turn"))
  }

  @Test(arguments: [#""text""#, "[1]", "7"])
  func aResponseThatIsNoObjectClosesWith1007(response: String) throws {
    var (stage, ids) = try Self.calling()
    stage.say(1, Self.answer(ids[0], response))
    #expect(stage.closes(1) == [.invalidArgument])
  }

  @Test func anInterruptedCallIsCancelledAndAResponseThatCrossedIsForgiven() throws {
    var (stage, ids) = try Self.calling()
    stage.text(1, "never mind")
    #expect(stage.shape(1) == "call cancel interrupted turn")
    stage.say(1, Self.answer(ids[0]))
    #expect(stage.broken.isEmpty)
    #expect(stage.service.totalsNow.responsesCrossedCancellation == 1)
    stage.pass(.seconds(3))
    stage.say(1, Self.answer(ids[0]))
    #expect(stage.broken == [.toolResponseWithoutCall])
  }

  @Test(arguments: [("models/fixture", "call"), ("models/gemini-3.1-x", "call cancel")])
  func audioCancelsACallOnlyOnSynchronousModels(model: String, shape: String) throws {
    var (stage, _) = try Self.calling(model: model)
    stage.audio(1, [1, 1])
    #expect(stage.shape(1).hasPrefix(shape))
    #expect(stage.shape(1).contains("cancel") == shape.contains("cancel"))
  }

  @Test func aResponseForACallOfAnEarlierConnectionIsNotTaken() throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.text(1, "tool")
    stage.pass(.milliseconds(300))
    let id = try #require(try stage.messages(1).last?.toolCall?.functionCalls.first?.id)
    stage.drop(1)
    stage.resume(2, handle: handle)
    stage.say(2, Self.answer(id))
    #expect(stage.broken == [.toolResponseWithoutCall])
    #expect(stage.account().remembered.tallies.toolResponses.count == 0)
    #expect(stage.account().received.tallies.toolResponses.count == 1)
  }

  // MARK: Strict models

  @Test func contentAfterTheStartClosesStrictModels() {
    var stage = Self.stage(#"{"model":"models/gemini-3.1-flash-live"}"#)
    stage.say(1, #"{"clientContent":{"turns":[],"turnComplete":true}}"#)
    #expect(stage.closes(1) == [.invalidArgument])
    #expect(stage.broken == [.contentForbidden])
  }

  @Test func historyIsTakenAtTheStartAndStartsNoTurn() {
    var stage = Self.stage(
      #"{"model":"models/gemini-3.1-x","historyConfig":{"initialHistoryInClientContent":true}}"#)
    stage.say(1, #"{"clientContent":{"turns":[{"parts":[{"text":"a"}]}]}}"#)
    stage.say(1, #"{"clientContent":{"turns":[{"parts":[{"text":"b"}]}],"turnComplete":true}}"#)
    stage.pass(.seconds(5))
    #expect(stage.sent(1).isEmpty)
    #expect(stage.account().remembered.items.count == 2)
    stage.say(1, #"{"clientContent":{"turnComplete":true}}"#)
    #expect(stage.closes(1) == [.invalidArgument])
  }

  @Test(arguments: [
    (#"{"hello":1}"#, #"Invalid JSON payload received. Unknown name "hello": Cannot find field."#),
    (#"{"realtimeInput":{"smell":1}}"#, #"Unknown name "smell" at 'realtime_input'"#),
    (#"{"realtimeInput""#, "Invalid JSON payload received."),
    (#"{"realtimeInput":7}"#, "Request contains an invalid argument."),
  ])
  func whatTheServiceDoesNotKnowClosesWith1007(message: String, reason: String) throws {
    var stage = Self.stage(Self.spoken)
    stage.say(1, message)
    let notice = try #require(stage.closes(1).first)
    #expect(notice.code == 1007)
    #expect(notice.reason.contains(reason))
    #expect(stage.broken == [.malformedMessage])
  }

  @Test func secretsInContentAreNoticed() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.text(1, "harmless, even with auth and tokens")
    #expect(stage.broken.isEmpty)
    stage.text(1, "my handle is \(try stage.handle(1)).")
    stage.text(1, "auth_tokens/abc")
    #expect(stage.broken == [.secretInContent, .secretInContent])
  }
}
