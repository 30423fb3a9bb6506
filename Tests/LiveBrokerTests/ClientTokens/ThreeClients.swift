// SPDX-License-Identifier: Apache-2.0

import LiveBroker

// These are the orders of docs/tokens.md, word for word; a test holds the two together.
// GUIDE
/// What each kind of customer may do with a token.
enum Customer {
  case premium, free, demo

  func order(at now: WallTime) throws -> TokenOrder {
    switch self {
    case .premium:
      // Several sessions in an hour, with any configuration that the client likes.
      return TokenOrder(
        uses: 10, lifetime: .after(.seconds(3_600)), newSessionWindow: .after(.seconds(1_800)))
    case .free:
      // One session; the model, its voice and how much it says are ours, the rest the client's.
      var setup = Setup(model: "gemini-live")
      setup.generationConfig = GenerationConfig(
        responseModalities: [.audio], temperature: 0.7, maxOutputTokens: 256)
      return TokenOrder(
        uses: 1, lifetime: .after(.seconds(600)), newSessionWindow: .after(.seconds(120)),
        setup: setup, lock: .fieldsOfSetupAnd(["systemInstruction", "tools"]))
    case .demo:
      // One session until the top of the hour, exactly as we configured it.
      var setup = Setup(model: "gemini-live")
      setup.systemInstruction = Content(text: "You show visitors around. Be brief.")
      let hour: Int64 = 3_600_000_000_000
      let next = (now.nanosecondsSinceEpoch / hour + 1) * hour
      return TokenOrder(
        lifetime: .at(WallTime(nanosecondsSinceEpoch: next)), setup: setup, lock: .everything,
        minimumWindow: .seconds(30))
    }
  }
}

/// What the web server answers to a signed-in customer.
func token(for customer: Customer, from broker: Broker, at now: WallTime) async throws -> String {
  let token = try await broker.vendToken(customer.order(at: now))
  print("a token for \(customer), valid until \(token.expireTime.rfc3339): \(token)")
  return token.name.reveal()
}
