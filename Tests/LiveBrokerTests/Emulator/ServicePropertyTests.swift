// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct ServicePropertyTests {
  /// A client that sends, drops, closes and resumes at random, with its newest handle or an older one.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func whateverHappensAResumeRestoresWhatWasRememberedWhenItsHandleCame(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    var stage = ServiceStage(seed: seed) {
      $0.accounts.audioKept = 5_000
      $0.accounts.itemsKept = 300
      $0.model.verbosity = .brief
    }
    let setup = #"{"model":"models/fixture","sessionResumption":{"#
    let tail = #"},"contextWindowCompression":{}}"#
    var id: ConnectionID = 1
    stage.open(id, setup: setup + tail)
    var snapshots: [String: RememberedAccount] = [:]
    var handles: [String] = []
    var resumes = 0
    for step in 0..<400 {
      stage.pass(.zero)
      if let handle = stage.newestHandle(id), snapshots[handle] == nil {
        snapshots[handle] = stage.account().remembered
        handles.append(handle)
      }
      switch chance.nanoseconds(upTo: 9) {
      case 0...2: stage.audio(id, [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 37))
      case 3, 4: stage.text(id, step % 5 == 0 ? "tool \(step)" : "text \(step)")
      case 5: stage.say(id, #"{"realtimeInput":{"audioStreamEnd":true}}"#)
      case 6 where chance.happens(0.3):
        guard let newest = handles.last else { continue }
        let older = chance.happens(0.2) ? handles.suffix(5).first : nil
        let handle = older ?? newest
        if chance.happens(0.5) { stage.close(id) } else { stage.drop(id) }
        id += 1
        stage.upgrade(id)
        stage.setup(id, setup + #""handle":"\#(handle)""# + tail)
        stage.pass(.milliseconds(20))
        #expect(stage.closes(id).isEmpty)
        #expect(stage.account().remembered == snapshots[handle])
        resumes += 1
        let index = try #require(handles.firstIndex(of: handle))
        handles.removeLast(handles.count - 1 - index)
        stage.forgetLog()
      default: stage.pass(.milliseconds(Int(chance.nanoseconds(upTo: 1_500))))
      }
    }
    #expect(resumes > 5)
    #expect(stage.broken.isEmpty)
    let account = stage.account()
    let together = account.remembered.tallies + account.forgotten
    #expect(together.audio == account.received.tallies.audio)
    #expect(together.text == account.received.tallies.text)
    #expect(together.marks == account.received.tallies.marks)
  }

  /// The service writes its JSON itself; the client's codec must find nothing strange in it and
  /// write the same.
  @Test func everythingTheServiceSaysIsStrictAndMeansTheSameToTheClient() throws {
    var stage = ServiceStage { $0.sessions.transparentResumption = true }
    stage.open(
      1,
      setup: #"""
        {"model":"models/fixture","sessionResumption":{"transparent":true},
        "inputAudioTranscription":{},"outputAudioTranscription":{}}
        """#)
    for text in ["quote \\\" and \\u0001 and ä", "two tools", "never mind", "probe"] {
      stage.text(1, text)
      stage.pass(.seconds(3))
    }
    stage.audio(1, [1, 1, 1])
    stage.pass(.seconds(600))
    let sent = stage.sent(1)
    #expect(
      Set(stage.shape(1).split(separator: " ")).isSuperset(
        of: [
          "setup", "handle", "none", "said", "heard", "audio", "generated", "turn", "call",
          "cancel", "interrupted", "goAway",
        ]))
    for json in sent {
      let message = try ServerMessage(decoding: Array(json.utf8))
      #expect(message.unknownFields.isEmpty)
      let ours = try JSONValue(decoding: Array(json.utf8))
      let theirs = try JSONValue(decoding: message.encoded())
      #expect(ours == theirs)
      #expect(!json.contains(": false") && !json.contains("null"))
    }
  }

  @Test func aCopyIsAServiceOfItsOwn() {
    var stage = ServiceStage()
    stage.open(1)
    var copy = stage
    copy.text(1, "only here")
    copy.pass(.seconds(10))
    #expect(stage.account().remembered.items.isEmpty)
    stage.text(1, "only here")
    stage.pass(.seconds(10))
    #expect(stage.sent(1) == copy.sent(1), "and it takes the same course")
  }

  @Test func repliesToEverySpellingOfTheCorpusAreTheSame() throws {
    for (name, kind) in [
      ("realtime_audio", "audio"), ("realtime_media_audio", "audio"), ("realtime_video", "video"),
      ("realtime_text", "text"), ("client_content_text", "content"),
      ("client_content_history", "content"), ("context_update_system_instruction", "context"),
      ("context_update_clear_tools", "context"), ("realtime_audio_stream_end", "mark"),
      ("legacy_send_blob", "audio"), ("client_content_inline_bytes", "content"),
    ] {
      let fixture = try MintingTests.fixture("live/\(name).client.json")
      let message = try #require(fixture["message"])
      var stage = ServiceStage()
      stage.open(1)
      stage.say(1, String(decoding: message.encoded(), as: UTF8.self))
      let tallies = stage.account().remembered.tallies
      let counts = [
        "audio": tallies.audio.count, "video": tallies.video.count, "text": tallies.text.count,
        "content": tallies.content.count, "context": tallies.contextUpdates.count,
        "mark": tallies.marks.count,
      ]
      #expect(stage.closes(1).isEmpty, "\(name)")
      #expect(counts[kind] == 1, "\(name)")
      #expect(tallies.count == 1, "\(name)")
      if kind == "audio" { #expect(tallies.audio.bytes == 8, "\(name)") }
    }
  }
}
