// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct ResumptionOnServiceTests {
  @Test func handlesComeEveryOneToTwoSecondsWhileSomethingArrives() {
    var stage = ServiceStage()
    stage.open(1)
    stage.forgetLog()
    for _ in 0..<100 {
      stage.audio(1, [0, 0, 0, 0])
      stage.pass(.milliseconds(100))
    }
    let times = stage.timed(1).map(\.at)
    #expect((5...10).contains(times.count))
    for (earlier, later) in zip(times, times.dropFirst()) {
      #expect((.seconds(1)...(.seconds(2.1))).contains(earlier.duration(to: later)))
    }
    stage.pass(.seconds(5))
    stage.forgetLog()
    stage.pass(.seconds(60))
    #expect(stage.sent(1).isEmpty, "nothing arrived, so no handle")
  }

  @Test func noHandleIsIssuedDuringATurnAndAFreshOneAfterIt() {
    var stage = ServiceStage()
    stage.open(1)
    stage.forgetLog()
    stage.text(1, "hello")
    stage.pass(.seconds(10))
    #expect(
      stage.shape(1)
        == "none text audio audio audio audio audio audio audio audio audio audio generated turn "
        + "handle")
  }

  @Test func noHandleIsIssuedWhileACallIsPending() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.forgetLog()
    stage.text(1, "use the tool")
    stage.pass(.seconds(60))
    #expect(stage.shape(1) == "none call")
    let call = try #require(try stage.messages(1).last?.toolCall?.functionCalls.first)
    let id = try #require(call.id)
    stage.say(
      1,
      #"{"toolResponse":{"functionResponses":[{"id":"\#(id)","name":"lookup","response":{"output":1}}]}}"#
    )
    stage.pass(.seconds(60))
    #expect(stage.shape(1).hasSuffix("generated turn handle"))
  }

  @Test func aResumeGoesBackExactlyToTheCheckpoint() throws {
    var stage = ServiceStage { $0.accounts.audioKept = 1_000 }
    stage.open(1)
    stage.audio(1, [1, 2, 3])
    stage.say(1, #"{"realtimeInput":{"audioStreamEnd":true}}"#)
    stage.pass(.seconds(10))
    let handle = try stage.handle(1)
    let before = stage.account()
    stage.audio(1, [4, 5])
    stage.say(1, #"{"clientContent":{"turns":[{"parts":[{"text":"lost"}]}]}}"#)
    let between = stage.account()
    #expect(between.remembered.audio == [1, 2, 3, 4, 5])
    stage.drop(1)
    stage.resume(2, handle: handle)
    let after = stage.account()
    #expect(after.remembered == before.remembered)
    #expect(after.remembered.audio == [1, 2, 3])
    #expect(after.received == between.received)
    #expect(after.forgotten.audio == Tally(count: 1, bytes: 2))
    #expect(after.forgotten.content == Tally(count: 1, bytes: 4))
    #expect(after.resumes == 1)
    #expect(after.turns == 1)
    stage.audio(2, [6])
    #expect(stage.account().remembered.audio == [1, 2, 3, 6])
  }

  @Test func anOldHandleGoesBackFurtherAndTakesTheLaterOnesWithIt() throws {
    var stage = ServiceStage()
    stage.open(1)
    let first = try stage.handle(1)
    stage.text(1, "one")
    stage.pass(.seconds(10))
    let second = try stage.handle(1)
    #expect(first != second)
    stage.close(1)
    stage.resume(2, handle: first)
    #expect(stage.account().remembered.tallies.text.count == 0)
    stage.close(2)
    stage.resume(3, handle: second)
    #expect(stage.closes(3) == [.sessionNotFound])
    stage.resume(4, handle: first)
    #expect(stage.closes(4).isEmpty, "a handle may be used again")
  }

  @Test func whatWasSentIsComparableWithWhatIsRemembered() {
    var stage = ServiceStage { $0.accounts.audioKept = 10 }
    stage.open(1)
    var sent = StreamDigest()
    for index in 0..<20 {
      let bytes = (0...UInt8(index)).map { $0 &+ 1 }
      sent.update(bytes)
      stage.audio(1, bytes)
    }
    let account = stage.account()
    #expect(account.remembered.audioDigest == sent)
    #expect(account.received.audioDigest.value == sent.value)
    #expect(account.remembered.audio.count == 10)
    #expect(!account.remembered.holdsAllAudio)
    #expect(account.remembered.tallies.audio == Tally(count: 20, bytes: 210))
  }

  @Test(arguments: ["", "x", String(repeating: "A", count: 100)])
  func anUnknownHandleIsNotFound(handle: String) {
    var stage = ServiceStage()
    stage.resume(1, handle: handle)
    let expected: [CloseNotice] = handle.isEmpty ? [] : [.sessionNotFound]
    #expect(stage.closes(1) == expected, "an empty handle is none")
  }

  @Test func aHandleOfAnotherServiceIsNotFound() throws {
    var other = ServiceStage(seed: 8)
    other.open(1)
    var stage = ServiceStage(seed: 7)
    stage.open(1)
    stage.resume(2, handle: try other.handle(1))
    #expect(stage.closes(2) == [.sessionNotFound])
  }

  @Test(arguments: [(Duration.seconds(7_199), true), (.seconds(7_201), false)])
  func aHandleLivesTwoHoursAfterTheLastConnection(age: Duration, isFound: Bool) throws {
    var stage = ServiceStage()
    let setup = #"{"model":"models/fixture","sessionResumption":{},"contextWindowCompression":{}}"#
    stage.open(1, setup: setup)
    stage.pass(.seconds(500))
    let handle = try stage.handle(1)
    stage.close(1)
    stage.pass(age)
    stage.resume(2, handle: handle)
    #expect(stage.closes(2).isEmpty == isFound)
  }

  @Test func aResumeWhileTheEarlierSocketIsOpenIsRefusedWith1011() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.resume(2, handle: try stage.handle(1))
    #expect(stage.closes(2) == [.sessionInUse])
    #expect(stage.service.totalsNow.resumesWhileOpen == 1)
    stage.pass(.seconds(3))
    #expect(stage.broken == [.secondSocket])
  }

  @Test func aResumeThatOvertakesItsCloseBreaksNoPromise() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.resume(2, handle: try stage.handle(1))
    #expect(stage.closes(2) == [.sessionInUse])
    stage.close(1)
    stage.pass(.seconds(3))
    #expect(stage.broken.isEmpty)
  }

  @Test func aResumeBesideAnUnreachableSocketBreaksNoPromise() throws {
    var stage = ServiceStage()
    stage.open(1)
    stage.service.markUnreachable(1)
    stage.resume(2, handle: try stage.handle(1))
    stage.pass(.seconds(3))
    #expect(stage.closes(2) == [.sessionInUse])
    #expect(stage.broken.isEmpty)
  }

  @Test func aFreshSessionBesideALiveOneOfTheSameLabelBreaksThePromiseToo() {
    let setup = #"{"model":"models/fixture","labels":{"session":"a"}}"#
    var stage = ServiceStage()
    stage.open(1, setup: setup)
    stage.open(2, setup: setup)
    stage.close(1)
    stage.pass(.seconds(3))
    #expect(stage.broken.isEmpty, "the close of the first had only been overtaken")
    stage.open(3, setup: setup)
    stage.pass(.seconds(3))
    #expect(stage.broken == [.secondSocket])
    #expect(stage.service.report("a").sessions.map(\.isLive) == [false, true, true])
  }

  @Test func theReleaseLagIsServed() throws {
    var stage = ServiceStage { $0.connections.releaseLag = .milliseconds(200) }
    stage.open(1)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.resume(2, handle: handle)
    #expect(stage.closes(2) == [.sessionInUse])
    stage.pass(.milliseconds(100))
    stage.resume(3, handle: handle)
    #expect(stage.closes(3).isEmpty)
    #expect(stage.broken.isEmpty)
  }

  @Test func anotherModelCannotResume() throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.open(2, setup: #"{"model":"models/b","sessionResumption":{"handle":"\#(handle)"}}"#)
    #expect(stage.closes(2) == [.invalidArgument])
  }

  @Test func otherSettingsMayChangeOnAResume() throws {
    var stage = ServiceStage()
    stage.open(1)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.open(
      2,
      setup: #"""
        {"model":"models/fixture","sessionResumption":{"handle":"\#(handle)"},
        "generationConfig":{"responseModalities":["TEXT"]}}
        """#)
    stage.text(2, "hello")
    stage.pass(.seconds(5))
    #expect(stage.shape(2) == "setup handle none text generated turn handle")
  }

  @Test func checkpointsAreBounded() throws {
    var stage = ServiceStage { $0.sessions.checkpointsKept = 2 }
    stage.open(1)
    let first = try stage.handle(1)
    for _ in 0..<2 {
      stage.text(1, "x")
      stage.pass(.seconds(5))
    }
    stage.close(1)
    stage.resume(2, handle: first)
    #expect(stage.closes(2) == [.sessionNotFound])
  }

  @Test func transparentUpdatesCarryTheIndexWhereTheServiceHasThem() throws {
    let setup = #"{"model":"models/fixture","sessionResumption":{"transparent":true}}"#
    var developer = ServiceStage()
    developer.open(1, setup: setup)
    #expect(developer.closes(1) == [.invalidArgument])

    var stage = ServiceStage { $0.sessions.transparentResumption = true }
    stage.open(1, setup: setup)
    for _ in 0..<3 { stage.audio(1, [0, 0]) }
    stage.pass(.seconds(3))
    let updates = try stage.messages(1).compactMap(\.sessionResumptionUpdate)
    #expect(updates.map(\.lastConsumedClientMessageIndex) == [nil, 3])
    #expect(stage.sent(1).last?.contains(#""lastConsumedClientMessageIndex":"3""#) == true)
    let handle = try stage.handle(1)
    stage.close(1)
    stage.open(
      2,
      setup: #"""
        {"model":"models/fixture","sessionResumption":{"handle":"\#(handle)","transparent":true}}
        """#)
    stage.audio(2, [0, 0])
    stage.pass(.seconds(3))
    #expect(
      try stage.messages(2).last?.sessionResumptionUpdate?.lastConsumedClientMessageIndex == 1)
  }

  @Test func aKnownSetupIsRecognisedWithoutBeingParsed() throws {
    var stage = ServiceStage()
    let tail = #","labels":{"session":"s"},"tools":[{"functionDeclarations":[{"name":"f"}]}]}"#
    stage.open(1, setup: #"{"model":"models/fixture","sessionResumption":{}"# + tail)
    let handle = try stage.handle(1)
    let first = SetupCutProbe.digest(
      #"{"setup":{"model":"models/fixture","sessionResumption":{}"# + tail + "}")
    let second = SetupCutProbe.digest(
      #"{"setup":{"model":"models/fixture","sessionResumption":{"handle":"\#(handle)"}"# + tail
        + "}")
    #expect(first != nil)
    #expect(first == second)
    stage.close(1)
    stage.open(
      2, setup: #"{"model":"models/fixture","sessionResumption":{"handle":"\#(handle)"}"# + tail)
    stage.text(2, "tool")
    stage.pass(.seconds(1))
    #expect(stage.service.report("s").sessions.map(\.resumes) == [1])
    #expect(try stage.messages(2).last?.toolCall?.functionCalls.first?.name == "f")
  }
}

@Suite struct SetupCutTests {
  @Test(arguments: [
    (#"{"handle":"H"}"#, "H"), ("{}", ""), (#"{"handle":"H","transparent":true}"#, "H"),
    (#"{"transparent":true,"handle":"H"}"#, "H"), (#"{"transparent":true}"#, ""),
    (#"{"handle":""}"#, ""),
  ])
  func theHandleIsFoundAndTheRestReadsAsWithoutOne(resumption: String, handle: String) throws {
    let isTransparent = resumption.contains("transparent")
    let plain = isTransparent ? #"{"transparent":true}"# : "{}"
    let found = try #require(SetupCutProbe.cut(Self.message(resumption)))
    #expect(found.handle == handle)
    #expect(found.digest == SetupCutProbe.digest(Self.message(plain)))
    #expect(found.digest != SetupCutProbe.digest(Self.message(plain, model: "n")))
  }

  @Test func textThatOnlyLooksLikeAHandleIsNone() {
    let quoted = #"{"setup":{"model":"m","x":"\"sessionResumption\":{\"handle\":\"H\"}"}}"#
    #expect(SetupCutProbe.digest(quoted) == nil)
    for cut in [
      #"{"setup":{"sessionResumption":{"#, #"{"sessionResumption":{"handle":"H"#, "", "\"",
    ] {
      #expect(SetupCutProbe.digest(cut) == nil)
    }
  }

  private static func message(_ resumption: String, model: String = "m") -> String {
    #"{"setup":{"sessionResumption":\#(resumption),"model":"\#(model)"}}"#
  }
}

private enum SetupCutProbe {
  static func cut(_ message: String) -> (handle: String, digest: UInt64)? {
    Array(message.utf8).withUnsafeBytes { bytes in
      SetupCut(bytes, lock: 0).map { (String(decoding: $0.handle, as: UTF8.self), $0.digest) }
    }
  }

  static func digest(_ message: String) -> UInt64? {
    Array(message.utf8).withUnsafeBytes { SetupCut($0, lock: 0)?.digest }
  }
}
