// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LiveBroker

/// Frames that are nearly right: recorded ones and our own hot ones, mutated by a seed.
private struct FrameMutator {
  private var random: SplitMix64
  private let frames: [[UInt8]]
  private static let snippets: [[UInt8]] = [
    "null", "true", "false", "{}", "[]", "\"\"", "0", "-1", "1e400", "40.0", "\"17\"", "\\u0041",
    "\\ud800", "\"a\":1,", "\"turnComplete\":true,", "\"turn_complete\":false,", "\"text\":\"x\",",
    "\"parts\":[{}],", "\"role\":null,", "\"timeLeft\":\"-1s\",", " \n\t", "/", "=", "\u{FEFF}",
    "é",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "-0", "1E-400", "1e19",
    "\"tokenCount\":1,", "\"args\":{\"\u{1F600}\":[]},", "\\ud83d\\ude00", "\u{202E}",
    String(repeating: "{\"a\":[", count: 60), String(repeating: "x", count: 2_000),
    "\"resumable\":true", "\"newHandle\":\"\",", "{\"setupComplete\":{}}", "[[[[[[[[", "}", "\"",
  ].map { Array($0.utf8) }

  init(seed: UInt64, frames: [[UInt8]]) {
    random = SplitMix64(seed: seed)
    self.frames = frames
  }

  private mutating func below(_ bound: Int) -> Int {
    Int.random(in: 0..<max(1, bound), using: &random)
  }

  mutating func next() -> [UInt8] {
    var frame = frames[below(frames.count)]
    for _ in 0..<below(4) { mutate(&frame) }
    return frame
  }

  private mutating func mutate(_ frame: inout [UInt8]) {
    let start = below(frame.count + 1)
    let end = min(frame.count, start + below(12))
    switch below(6) {
    case 0: if start < frame.count { frame[start] = UInt8(below(256)) }
    case 1: frame.removeSubrange(start..<end)
    case 2: frame.insert(contentsOf: frame[start..<end], at: below(frame.count + 1))
    case 3: frame.insert(contentsOf: Self.snippets[below(Self.snippets.count)], at: start)
    case 4: frame.replaceSubrange(start..<end, with: Self.snippets[below(Self.snippets.count)])
    default:
      let other = frames[below(frames.count)]
      frame = Array(frame[..<start]) + other[min(start, other.count)...]
    }
  }
}

@Suite struct ScannerAgreementTests {
  /// A million cases take minutes in a debug build; the default is a sample.
  private static let cases =
    ProcessInfo.processInfo.environment["LIVEBROKER_FUZZ_CASES"].flatMap(Int.init) ?? 20_000

  private static let hotServerFrames = [
    ServerMessage(
      serverContent: ServerContent(
        modelTurn: Content(
          role: "model", parts: [Part(inlineData: Blob(mimeType: "audio/pcm", data: [1, 2, 3, 4]))])
      )),
    ServerMessage(
      serverContent: ServerContent(modelTurn: Content(text: "\"hé\n"), turnComplete: true)),
    ServerMessage(
      sessionResumptionUpdate: SessionResumptionUpdate(
        newHandle: Secret("h"), resumable: true, lastConsumedClientMessageIndex: 17)),
    ServerMessage(goAway: GoAway(timeLeft: .milliseconds(9_500))),
    ServerMessage(setupComplete: SetupComplete()),
    ServerMessage(serverContent: ServerContent(turnComplete: true), usageMetadata: usage),
    ServerMessage(toolCall: ToolCall(functionCalls: [call, call])),
    ServerMessage(toolCallCancellation: ToolCallCancellation(ids: ["call-1", "call-2"])),
  ].map { $0.encoded() }

  private static let usage = UsageMetadata(
    promptTokenCount: 1_204, responseTokenCount: 311, thoughtsTokenCount: 7, totalTokenCount: 1_522,
    promptTokensDetails: [
      ModalityTokenCount(modality: .audio, tokenCount: 1_000),
      ModalityTokenCount(modality: .text, tokenCount: 204),
    ], responseTokensDetails: [ModalityTokenCount(modality: .audio, tokenCount: 311)])

  private static let call = FunctionCall(
    id: "call-1", name: "weather",
    args: ["city": "Köln", "days": 3, "units": ["c", .null], "exact": 1.5])

  @Test func theScannerReadsServerFramesAsTheFullDecoderDoes() throws {
    let recorded = try FixtureCorpus.serverMessages.compactMap { try $0.content["raw"]?.bytes }
    var mutator = FrameMutator(seed: 1, frames: recorded + Self.hotServerFrames)
    var taken = 0
    var valid = 0
    for _ in 0..<Self.cases {
      let frame = mutator.next()
      let full = try? frame.withBytes(ServerMessage.decodeFully)
      var scanned = ServerMessage()
      if frame.withUnsafeBytes({ FrameScanner.read($0, into: &scanned) }) {
        taken += 1
        #expect(scanned == full, "\(String(decoding: frame, as: UTF8.self))")
      }
      if let full {
        valid += 1
        #expect(try ServerMessage(decoding: full.encoded()) == full)
      }
    }
    print("server frames: \(Self.cases) mutated, \(valid) valid, \(taken) taken by the scanner")
    #expect(taken > Self.cases / 20)
    #expect(valid > taken && valid < Self.cases)
  }

  @Test func theScannerReadsClientFramesAsTheFullDecoderDoes() throws {
    let recorded = try (FixtureCorpus.clientMessages + FixtureCorpus.setups)
      .compactMap { try $0.content["message"]?.bytes }
    // The SDK's spelling is not the scanner's; ours is, and is given more weight.
    let respelled = try FixtureCorpus.clientMessages.compactMap { fixture in
      try fixture.content["message"].map { try ClientMessage(decoding: $0.bytes).encoded() }
    }
    let weighted = Array(repeatElement(respelled, count: 6).joined())
    var mutator = FrameMutator(seed: 2, frames: recorded + weighted)
    var taken = 0
    var valid = 0
    for _ in 0..<Self.cases {
      let frame = mutator.next()
      let full = try? frame.withBytes(ClientMessage.decodeFully)
      if let scanned = frame.withUnsafeBytes({ FrameScanner.clientMessage($0) }) {
        taken += 1
        #expect(scanned == full, "\(String(decoding: frame, as: UTF8.self))")
      }
      if let full {
        valid += 1
        #expect(try ClientMessage(decoding: full.encoded()) == full)
      }
    }
    print("client frames: \(Self.cases) mutated, \(valid) valid, \(taken) taken by the scanner")
    #expect(taken > Self.cases / 20)
    #expect(valid > taken && valid < Self.cases)
  }

  @Test(
    arguments: [
      #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"a","data":"AAEC"}}]}}}"#,
      #"{ "serverContent" : { "modelTurn" : { "parts" : [ { "text" : "h\u00e9" } ] } } }"#,
      #"{"serverContent":{"outputTranscription":{"text":"Hi","finished":true}}}"#,
      #"{"serverContent":{"interrupted":true,"turnComplete":true}}"#,
      #"{"serverContent":{"generationComplete":true},"goAway":{"timeLeft":"50s"}}"#,
      #"{"sessionResumptionUpdate":{}}"#,
      #"{"sessionResumptionUpdate":{"newHandle":"h","lastConsumedClientMessageIndex":"17"}}"#,
      "{\n  \"setupComplete\": {}\n}\n",
      #"{"serverContent":{"turnComplete":true},"usageMetadata":{"totalTokenCount":3}}"#,
      #"{"usageMetadata":{"promptTokensDetails":[{"modality":"AUDIO","tokenCount":"17"}]}}"#,
      #"{"usageMetadata":{"candidatesTokenCount":5}}"#,
      #"{"toolCall":{"functionCalls":[{"name":"f","args":{"a":[1,{"b":null}]},"id":"1"}]}}"#,
      #"{"toolCallCancellation":{"ids":["1"]}}"#,
    ])
  func hotServerFramesAreTakenByTheScanner(_ text: String) throws {
    let bytes = Array(text.utf8)
    var scanned = ServerMessage()
    #expect(bytes.withUnsafeBytes { FrameScanner.read($0, into: &scanned) })
    #expect(try bytes.withBytes(ServerMessage.decodeFully) == scanned)
    #expect(scanned != ServerMessage())
  }

  @Test(
    arguments: [
      #"{"usageMetadata":{"responseTokenCount":5,"candidatesTokenCount":6}}"#,
      #"{"usageMetadata":{"totalTokenCount":5,"totalTokenCount":6}}"#,
      #"{"usageMetadata":{"totalTokenCount":null}}"#,
      #"{"usageMetadata":{"promptTokensDetails":[{"modality":"audio"}]}}"#,
      #"{"usageMetadata":{"serviceTier":"standard"}}"#,
      #"{"toolCall":{"functionCalls":[{"name":"f","args":null}]}}"#,
      #"{"toolCall":{"functionCalls":[{"name":"f","willContinue":true}]}}"#,
      #"{"toolCall":{"functionCalls":[]}}"#,
      #"{"usageMetadata":{"totalTokenCount":9223372036854775807}}"#,
    ])
  func whatTheScannerDoesNotKnowExactlyItHandsOver(_ text: String) throws {
    var scanned = ServerMessage()
    #expect(!Array(text.utf8).withUnsafeBytes { FrameScanner.read($0, into: &scanned) })
    #expect(throws: Never.self) { try ServerMessage(decoding: Array(text.utf8)) }
  }

  @Test func argumentsMayBeNestedAsDeeplyAsTheFullDecoderAllows() {
    for depth in 94...98 {
      let args =
        String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
      let frame = Array(#"{"toolCall":{"functionCalls":[{"name":"f","args":\#(args)}]}}"#.utf8)
      var scanned = ServerMessage()
      let isTaken = frame.withUnsafeBytes { FrameScanner.read($0, into: &scanned) }
      #expect(isTaken == (depth <= 96))
      #expect((try? frame.withBytes(ServerMessage.decodeFully)) == (isTaken ? scanned : nil))
    }
  }

  @Test func hotClientFramesAreTakenByTheScanner() {
    let blob = Blob(mimeType: "audio/pcm;rate=16000", data: Array(0..<200))
    let messages: [ClientMessage] = [
      .realtimeInput(RealtimeInput(audio: blob)), .realtimeInput(RealtimeInput(video: blob)),
      .realtimeInput(RealtimeInput(text: "\"")), .realtimeInput(RealtimeInput(activityStart: true)),
      .realtimeInput(RealtimeInput(activityEnd: true)),
      .realtimeInput(RealtimeInput(audioStreamEnd: true)),
      .clientContent(
        ClientContent(turns: [Content(role: "user", text: "Hello")], turnComplete: true)),
    ]
    for message in messages {
      #expect(message.encoded().withUnsafeBytes { FrameScanner.clientMessage($0) } == message)
    }
  }
}
