// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

// This is the first program of the README, word for word; a test holds the two together.
// README
func firstProgram() throws -> String {
  let simulation = Simulation(seed: 1)
  let service = EmulatedNetwork(simulation: simulation, service: LiveService(seed: 1))
  let tokens = CredentialSource.ephemeralTokens(service.minter(apiKey: Secret("any key")))
  return try simulation.run {
    try await withBroker(
      configuration: .init(credentials: tokens), transport: service, runtime: simulation.runtime
    ) { broker in
      var setup = Setup(model: "gemini-live")
      setup.outputAudioTranscription = .init()
      return try await broker.withSession(SessionConfiguration(setup: setup)) { session in
        try await session.send(text: "Hello, are you there?")
        var answer = ""
        for try await message in session.messages {
          answer += message.serverContent?.outputTranscription?.text ?? ""
          if message.serverContent?.turnComplete == true { break }
        }
        return answer
      }
    }
  }
}
