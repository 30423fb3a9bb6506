// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LiveBroker

@Suite struct MessageTests {
  private func server(_ text: String) throws -> ServerMessage {
    try ServerMessage(decoding: Array(text.utf8))
  }
  private func client(_ text: String) throws -> ClientMessage {
    try ClientMessage(decoding: Array(text.utf8))
  }
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func oneFrameWithEverythingLosesNothing() throws {
    let message = try server(
      """
      {"goAway":{"timeLeft":"1s"},"serverContent":{"modelTurn":{"parts":[{"text":"a"}]},
      "turnComplete":true,"interrupted":true},"toolCall":{"functionCalls":[{"id":"1","name":"f"}]},
      "toolCallCancellation":{"ids":["0"]},"sessionResumptionUpdate":{"newHandle":"h","resumable":true},
      "usageMetadata":{"promptTokenCount":7},"setupComplete":{},"voiceActivity":{"type":"ACTIVITY_END"},
      "voiceActivityDetectionSignal":{"vadSignalType":"VAD_SIGNAL_TYPE_EOS"},"new":[1]}
      """)
    #expect(message.goAway?.timeLeft == .seconds(1))
    #expect(message.serverContent?.modelTurn?.answerText == "a")
    #expect(message.serverContent?.interrupted == true)
    #expect(message.toolCall?.functionCalls == [FunctionCall(id: "1", name: "f")])
    #expect(message.toolCallCancellation?.ids == ["0"])
    #expect(message.sessionResumptionUpdate?.newHandle == Secret("h"))
    #expect(message.usageMetadata?.promptTokenCount == 7)
    #expect(message.setupComplete == SetupComplete())
    #expect(message.voiceActivity?.type == .end)
    #expect(message.voiceActivityDetectionSignal?.vadSignalType == .endOfSpeech)
    #expect(message.unknownFields == ["new": [1]])
    #expect(try ServerMessage(decoding: message.encoded()) == message)
  }

  @Test func unknownFieldsAndEnumValuesPassThroughAtEveryLevel() throws {
    let setup =
      #"{"setup":{"model":"m","generationConfig":{"newKnob":{"a_b":1},"mediaResolution":"ULTRA"},"#
      + #""tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"ODD","x":1}}],"newTool":{}}],"#
      + #""realtimeInputConfig":{"turnCoverage":"TURN_NEW"},"new_field":[{"b":null}]}}"#
    let message = try client(setup)
    #expect(try PlainJSON(message.encoded()) == PlainJSON(Array(setup.utf8)))
    guard case .setup(let value) = message else {
      Issue.record("not a setup")
      return
    }
    #expect(value.generationConfig?.mediaResolution == MediaResolution(rawValue: "ULTRA"))
    #expect(value.unknownFields["new_field"] != nil)
  }

  @Test func unknownNamesAreListedWithTheirPlaces() throws {
    let message = try client(
      #"{"setup":{"model":"m","x":1,"generationConfig":{"speech_config":{"y":2}},"tools":[{},"#
        + #"{"functionDeclarations":[{"name":"f","parameters":{"properties":{"p":{"z":3}}}}]}],"#
        + #""labels":{"free":"x"},"realtimeInputConfig":null}}"#)
    #expect(
      message.unknownFields == [
        UnknownField(name: "y", path: "setup.generationConfig.speechConfig"),
        UnknownField(
          name: "z", path: "setup.tools[1].functionDeclarations[0].parameters.properties[0]"),
        UnknownField(name: "x", path: "setup"),
      ])
    #expect(
      try client(#"{"setup":{},"hello":1}"#).unknownFields
        == [UnknownField(name: "hello", path: "")])
    let part = try client(#"{"clientContent":{"turns":[{"parts":[{"fileData":{"q":1}}]}]}}"#)
    #expect(
      part.unknownFields
        == [UnknownField(name: "q", path: "clientContent.turns[0].parts[0].fileData")])
    let body = try TokenRequestBody(
      decoding: Array(#"{"bidiGenerateContentSetup":{"setup":{}}}"#.utf8))
    #expect(
      body.allUnknownFields == [UnknownField(name: "setup", path: "bidiGenerateContentSetup")])
  }

  @Test func freeFormObjectsKeepTheirNames() throws {
    let frame =
      #"{"toolResponse":{"functionResponses":[{"id":"1","name":"f","response":{"is_on":true,"#
      + #""inline_data":{"mime_type":"x"}}}]}}"#
    #expect(try text(client(frame).encoded()) == frame)
    let schema =
      #"{"setup":{"tools":[{"functionDeclarations":[{"name":"f","parameters":{"properties":"#
      + #"{"snake_name":{"type":"STRING"},"camelName":{"type":"ARRAY","items":{"type":"OBJECT","#
      + #""properties":{"any_of":{"type":"NULL"}}}}}},"parametersJsonSchema":{"any_of":[]}}]}],"#
      + #""labels":{"team_name":"x"}}}"#
    #expect(try PlainJSON(client(schema).encoded()) == PlainJSON(Array(schema.utf8)))
  }

  @Test func aClientMessageOfNoKnownOrTwoKindsIsSurfacedRaw() throws {
    for frame in [
      #"{}"#, #"{"hello":1}"#, #"{"setup":{},"clientContent":{}}"#, #"{"setup":{},"extra":1}"#,
      #"{"setup":null}"#,
    ] {
      let message = try client(frame)
      guard case .unknown(let json) = message else {
        Issue.record("\(frame) was taken for a known kind")
        continue
      }
      #expect(try json == JSONValue(decoding: Array(frame.utf8)))
      #expect(text(message.encoded()) == frame)
    }
    #expect(try client(#"{"setup":{},"clientContent":null}"#) == .setup(.blank))
  }

  @Test func presenceIsKeptWhereItMeansSomething() throws {
    for frame in [
      #"{"contextUpdate":{"tools":{"tools":[]}}}"#, #"{"realtimeInput":{"text":""}}"#,
      #"{"realtimeInput":{"activityStart":{}}}"#, #"{"realtimeInput":{"audioStreamEnd":false}}"#,
      #"{"setup":{"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}}"#,
      #"{"setup":{"tools":[{"googleSearch":{}}],"inputAudioTranscription":{}}}"#,
      #"{"toolResponse":{"functionResponses":[{"name":"f","response":{},"willContinue":false}]}}"#,
    ] {
      #expect(try text(client(frame).encoded()) == frame)
    }
    #expect(
      text(ClientMessage.clientContent(ClientContent()).encoded()) == #"{"clientContent":{}}"#)
    #expect(text(ServerMessage().encoded()) == "{}")
  }

  @Test func int64IsWrittenAsTextAndReadAsEither() throws {
    for spelling in [#""25600""#, "25600", "25600.0", #""25600.0""#, "2.56e4"] {
      let frame = #"{"setup":{"contextWindowCompression":{"triggerTokens":\#(spelling)}}}"#
      let message = try client(frame)
      guard case .setup(let setup) = message else { continue }
      #expect(setup.contextWindowCompression?.triggerTokens == 25_600)
      #expect(text(message.encoded()).contains(#""triggerTokens":"25600""#))
    }
  }

  @Test(
    arguments: [
      (
        #"{"serverContent":{"modelTurn":{"parts":[{},{"inlineData":{"data":"!"}}]}}}"#,
        WireError(
          .invalidBase64, offset: 65, path: "serverContent.modelTurn.parts[1].inlineData.data")
      ),
      (
        #"{"serverContent":{},"serverContent":[]}"#,
        WireError(.typeMismatch, offset: 36, path: "serverContent")
      ),
      (
        #"{"serverContent":7,"server_content":[]}"#,
        WireError(.typeMismatch, offset: 36, path: "serverContent")
      ),
      (
        #"{"serverContent":[],"server_content":null}"#,
        WireError(.typeMismatch, offset: 17, path: "serverContent")
      ),
      (#"{"serverContent":[]}"#, WireError(.typeMismatch, offset: 17, path: "serverContent")),
      (
        #"{"usageMetadata":{"promptTokenCount":1.5}}"#,
        WireError(.outOfRange, offset: 37, path: "usageMetadata.promptTokenCount")
      ),
      (
        #"{"toolCallCancellation":{"ids":["a",7]}}"#,
        WireError(.typeMismatch, offset: 36, path: "toolCallCancellation.ids[1]")
      ),
      (
        #"{"serverContent":{"turnComplete":"yes"}}"#,
        WireError(.typeMismatch, offset: 33, path: "serverContent.turnComplete")
      ),
      (#"{"serverContent":{"#, WireError(.unexpectedEnd, offset: 18)),
      (#"{"secret-key":tru}"#, WireError(.unexpectedByte, offset: 17)),
      ("[]", WireError(.notAnObject, offset: 0)), ("{} {}", WireError(.trailingBytes, offset: 3)),
    ])
  func anErrorSaysWhatAndWhereAndNothingElse(_ frame: String, _ expected: WireError) {
    let error = #expect(throws: WireError.self) { try server(frame) }
    #expect(error == expected)
    #expect(error?.description.contains("secret") == false)
  }

  @Test func errorsNeverQuoteFreeFormNames() {
    let frame =
      #"{"setup":{"tools":[{"functionDeclarations":[{"parameters":{"properties":{"pin-1234":5}}}]}]}}"#
    let error = #expect(throws: WireError.self) { try client(frame) }
    #expect(error?.path == "setup.tools[0].functionDeclarations[0].parameters.properties")
  }

  @Test func codableMeansWhatTheWireMeans() throws {
    let frame =
      #"{"server_content":{"model_turn":{"parts":[{"inline_data":{"mime_type":"a","data":"-_-_"}}]}},"#
      + #""goAway":{"timeLeft":"9.5s"},"x":1}"#
    let message = try server(frame)
    #expect(try JSONDecoder().decode(ServerMessage.self, from: Data(frame.utf8)) == message)
    #expect(try ServerMessage(decoding: Array(JSONEncoder().encode(message))) == message)
    let input = ClientMessage.realtimeInput(RealtimeInput(activityEnd: true))
    #expect(try ClientMessage(decoding: Array(JSONEncoder().encode(input))) == input)
    let part = try JSONDecoder().decode(Part.self, from: Data(#"{"thought":true}"#.utf8))
    #expect(part == Part(thought: true))
  }

  @Test func handlesNeverShowInADescription() throws {
    let message = try server(#"{"sessionResumptionUpdate":{"newHandle":"very-secret-handle"}}"#)
    var dumped = ""
    dump(message, to: &dumped)
    #expect(!"\(message)".contains("very-secret") && !dumped.contains("very-secret"))
  }

  @Test func theServicesOwnLayoutIsReadByTheScannerToo() throws {
    let message = ServerMessage(
      serverContent: ServerContent(
        modelTurn: Content(role: "model", text: "Hi"), turnComplete: true))
    let frame = message.encodedWithIndentation()
    #expect(text(frame).hasPrefix("{\n  \"serverContent\": {\n    \"modelTurn\": {\n"))
    #expect(text(frame).hasSuffix("\n}\n"))
    var scanned = ServerMessage()
    #expect(frame.withUnsafeBytes { FrameScanner.read($0, into: &scanned) })
    #expect(scanned == message)
    #expect(try PlainJSON(frame) == PlainJSON(message.encoded()))
    let free: JSONValue = ["a": [1, [:], []], "b": [["c": nil]]]
    #expect(try JSONValue(decoding: free.encodedWithIndentation()) == free)
  }

  @Test func aNewKindOfMessageIsToldFromAKnownOne() throws {
    #expect(try server(#"{"somethingNew":{}}"#).isUnknown)
    #expect(try !server(#"{"somethingNew":{},"goAway":{}}"#).isUnknown)
    #expect(try !server("{}").isUnknown)
  }

  @Test func aFrameThatIsLongerThanExpectedIsWrittenWhole() throws {
    let text = String(repeating: "long \u{1}\n", count: 5_000)
    let message = ServerMessage(
      serverContent: ServerContent(outputTranscription: Transcription(text: text)))
    #expect(try ServerMessage(decoding: message.encoded()) == message)
  }
}
