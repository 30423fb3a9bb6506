// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// Numbers that the wire's 32-bit fields cannot hold are refused before they are written.
@Suite struct RangeTests {
  private static let over = Int(Int32.max) + 1
  private static let under = Int(Int32.min) - 1

  struct Case: Sendable, CustomTestStringConvertible {
    var path: String
    var change: @Sendable (inout Setup, Int) -> Void
    var testDescription: String { path }
  }

  /// Every number of the setup that is an int32.
  static let cases: [Case] = [
    Case(path: "generationConfig.topK") { $0.generationConfig = GenerationConfig(topK: $1) },
    Case(path: "generationConfig.candidateCount") {
      $0.generationConfig = GenerationConfig(candidateCount: $1)
    },
    Case(path: "generationConfig.maxOutputTokens") {
      $0.generationConfig = GenerationConfig(maxOutputTokens: $1)
    },
    Case(path: "generationConfig.seed") { $0.generationConfig = GenerationConfig(seed: $1) },
    Case(path: "generationConfig.logprobs") {
      $0.generationConfig = GenerationConfig(logprobs: $1)
    },
    Case(path: "generationConfig.thinkingConfig.thinkingBudget") {
      $0.generationConfig = GenerationConfig(thinkingConfig: ThinkingConfig(thinkingBudget: $1))
    },
    Case(path: "realtimeInputConfig.automaticActivityDetection.prefixPaddingMs") {
      $0.realtimeInputConfig = RealtimeInputConfig(
        automaticActivityDetection: AutomaticActivityDetection(prefixPaddingMs: $1))
    },
    Case(path: "realtimeInputConfig.automaticActivityDetection.silenceDurationMs") {
      $0.realtimeInputConfig = RealtimeInputConfig(
        automaticActivityDetection: AutomaticActivityDetection(silenceDurationMs: $1))
    },
    Case(path: "avatarConfig.audioBitrateBps") {
      $0.avatarConfig = AvatarConfig(audioBitrateBps: $1)
    },
    Case(path: "avatarConfig.videoBitrateBps") {
      $0.avatarConfig = AvatarConfig(videoBitrateBps: $1)
    },
  ]

  @Test(arguments: cases)
  func aNumberBeyond32BitsIsRefusedWithItsField(_ wanted: Case) {
    for number in [Self.over, Self.under, .max, .min] {
      var setup = Setup(model: "m")
      wanted.change(&setup, number)
      #expect(throws: WireError(.outOfRange, path: wanted.path)) { try setup.validate() }
      let message = ClientMessage.setup(setup)
      #expect(throws: WireError(.outOfRange, path: "setup." + wanted.path)) {
        try message.validate()
      }
    }
    for number in [Int(Int32.max), Int(Int32.min), 0] {
      var setup = Setup(model: "m")
      wanted.change(&setup, number)
      #expect(throws: Never.self) { try setup.validate() }
    }
  }

  @Test(arguments: FixtureCorpus.setups)
  func everyRecordedSetupIsInRange(_ fixture: Fixture) throws {
    let message = try ClientMessage(decoding: try #require(fixture.content["message"]).bytes)
    #expect(throws: Never.self) { try message.validate() }
  }

  @Test func aSessionOfSuchASetupIsNotOpened() throws {
    let stand = TestStand()
    let error = try stand.run { stand -> BrokerError? in
      let configuration = stand.configuration {
        $0.setup.generationConfig = GenerationConfig(maxOutputTokens: Self.over)
      }
      do throws(BrokerError) {
        _ = try await stand.broker.openSession(configuration)
        return nil
      } catch {
        return error
      }
    }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.message.contains("generationConfig.maxOutputTokens") == true)
    #expect(stand.network.figures.mintsSeen == 0)
  }

  @Test func aTokenOfSuchASetupIsNotOrdered() {
    var setup = Setup(model: "m")
    setup.generationConfig = GenerationConfig(topK: Self.over)
    let error = #expect(throws: MintError.self) {
      try TokenConstraints(setup, lock: .fieldsOfSetup)
    }
    #expect(error?.code == .invalidRequest)
    #expect(error?.message.contains("generationConfig.topK") == true)
  }
}
