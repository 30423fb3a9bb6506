// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

/// Several messages of the service in one, and one in several.
@Suite struct MergedMessageTests {
  private func merged(_ first: String, _ second: String) -> String? {
    MergedMessage.bytes(Array(first.utf8), Array(second.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test(arguments: [
    (
      #"{"setupComplete":{}}"#, #"{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}"#,
      #"{"setupComplete":{},"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}"#
    ),
    (
      #"{"serverContent":{"interrupted":true}}"#,
      #"{"serverContent":{"turnComplete":true},"usageMetadata":{"totalTokenCount":5}}"#,
      #"{"serverContent":{"interrupted":true,"turnComplete":true},"usageMetadata":{"totalTokenCount":5}}"#
    ),
    (
      #"{"serverContent":{"modelTurn":{"parts":[{"text":"a"}]}}}"#,
      #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"AA=="}}]}}}"#,
      #"{"serverContent":{"modelTurn":{"parts":[{"text":"a"},{"inlineData":{"data":"AA=="}}]}}}"#
    ),
    (
      #"{"serverContent":{"turnComplete":true}}"#, #"{"goAway":{"timeLeft":"5s"}}"#,
      #"{"serverContent":{"turnComplete":true},"goAway":{"timeLeft":"5s"}}"#
    ),
    (
      #"{"toolCallCancellation":{"ids":["a"]}}"#, #"{"serverContent":{"interrupted":true}}"#,
      #"{"toolCallCancellation":{"ids":["a"]},"serverContent":{"interrupted":true}}"#
    ),
  ])
  func twoMessagesMakeOne(_ first: String, _ second: String, _ both: String) {
    #expect(merged(first, second) == both)
  }

  @Test(arguments: [
    // Another turn's.
    (#"{"serverContent":{"turnComplete":true}}"#, #"{"serverContent":{"modelTurn":{"parts":[]}}}"#),
    (#"{"serverContent":{"interrupted":true}}"#, #"{"serverContent":{"modelTurn":{"parts":[]}}}"#),
    (#"{"serverContent":{"turnComplete":true}}"#, #"{"toolCall":{"functionCalls":[]}}"#),
    (
      #"{"serverContent":{"turnComplete":true}}"#,
      #"{"serverContent":{"inputTranscription":{"text":"a"}}}"#
    ),
    // One takes back the other.
    (#"{"serverContent":{"modelTurn":{"parts":[]}}}"#, #"{"serverContent":{"interrupted":true}}"#),
    (#"{"toolCall":{"functionCalls":[]}}"#, #"{"toolCallCancellation":{"ids":[]}}"#),
    (#"{"sessionResumptionUpdate":{}}"#, #"{"sessionResumptionUpdate":{"newHandle":"h"}}"#),
    // The same kind twice.
    (#"{"usageMetadata":{}}"#, #"{"usageMetadata":{}}"#),
    (
      #"{"serverContent":{"outputTranscription":{"text":"a"}}}"#,
      #"{"serverContent":{"outputTranscription":{"text":"b"}}}"#
    ),
    // No message.
    (#"{"setupComplete":{}}"#, "{"), ("[]", #"{"setupComplete":{}}"#),
  ])
  func whatHangsOnOrderStaysApart(_ first: String, _ second: String) {
    #expect(merged(first, second) == nil)
  }

  private func stage() -> ServiceStage { ServiceStage { $0.faults.merges = 1 } }

  @Test func theFirstHandleTravelsWithTheSetup() throws {
    var stage = stage()
    stage.open(1)
    let messages = try stage.messages(1)
    #expect(messages.count == 1)
    #expect(messages.first?.setupComplete != nil)
    #expect(messages.first?.sessionResumptionUpdate?.newHandle != nil)
  }

  @Test func anAnswerIsSaidInFewerMessagesAndWholly() throws {
    func messages(_ merges: Double) throws -> [ServerMessage] {
      var stage = ServiceStage {
        $0.faults.merges = merges
        $0.model.chunkInterval = .milliseconds(100)
      }
      stage.open(1)
      stage.text(1, "hello")
      stage.pass(.seconds(10))
      return try stage.messages(1)
    }
    let apart = try messages(0)
    let together = try messages(1)
    #expect(together.count <= apart.count * 2 / 3)
    func parts(_ messages: [ServerMessage]) -> [Part] {
      messages.flatMap { $0.serverContent?.modelTurn?.parts ?? [] }
    }
    #expect(parts(together) == parts(apart))
    #expect(together.count { $0.serverContent?.turnComplete == true } == 1)
  }

  @Test func whatNothingFollowsIsSentAfterAWhile() {
    var stage = ServiceStage { $0.faults.merges = 1 }
    stage.upgrade(1)
    stage.setup(1, #"{"model":"models/fixture"}"#)
    stage.pass(.milliseconds(169))
    #expect(stage.sent(1).isEmpty)
    stage.pass(.milliseconds(1))
    #expect(stage.shape(1) == "setup")
  }

  @Test func whatWaitsIsSentBeforeAClose() {
    var stage = ServiceStage { $0.faults.merges = 1 }
    stage.upgrade(1)
    stage.setup(1, #"{"model":"models/fixture"}"#)
    stage.pass(.milliseconds(30))
    stage.inject(.close(.internalError), 1)
    #expect(stage.shape(1) == "setup" && stage.closes(1) == [.internalError])
    stage.pass(.seconds(1))
    #expect(stage.sent(1).count == 1)
  }

  @Test(arguments: [ServiceFault.drop, .silence])
  func whatWaitsIsLostWithItsConnection(_ fault: ServiceFault) {
    var stage = ServiceStage { $0.faults.merges = 1 }
    stage.upgrade(1)
    stage.setup(1, #"{"model":"models/fixture"}"#)
    stage.pass(.milliseconds(30))
    stage.inject(fault, 1)
    stage.pass(.seconds(1))
    #expect(stage.sent(1).isEmpty)
  }

  @Test func aHandleNeverWaits() throws {
    // A pong that leaves before a handle must prove nothing about it.
    var stage = stage()
    stage.open(1)
    stage.pass(.seconds(5))
    stage.forgetLog()
    stage.audio(1, [0, 0])
    stage.pass(.milliseconds(1))
    #expect(stage.shape(1) == "handle")
  }

  @Test func usageMayComeInAMessageOfItsOwn() throws {
    var stage = ServiceStage { $0.usageApart = true }
    stage.open(1)
    stage.text(1, "hello")
    stage.pass(.seconds(10))
    let messages = try stage.messages(1)
    let end = try #require(messages.firstIndex { $0.serverContent?.turnComplete == true })
    #expect(messages[end].usageMetadata == nil)
    #expect(messages[end + 1].usageMetadata?.totalTokenCount ?? 0 > 0)
    #expect(messages[end + 1].serverContent == nil)
  }
}
