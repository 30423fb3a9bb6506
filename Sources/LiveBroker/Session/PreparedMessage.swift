// SPDX-License-Identifier: Apache-2.0

/// A client message ready for the wire, encoded by its sender, with what the engine must know of it.
struct PreparedMessage: Sendable {
  enum Kind: UInt8, Sendable {
    /// Never dropped, and sent before everything that waits.
    case toolResponse
    /// Text and turns: never dropped.
    case text
    /// Begin and end of speech: in order with the media around them.
    case activity
    /// Dropped oldest first when too old or too much.
    case audio
    /// Only the latest is kept.
    case video
  }

  var frame: [UInt8]
  var kind: Kind
  /// Bytes of media inside; zero for other kinds.
  var mediaBytes = 0
  /// Whether the model owes an answer to it.
  var asksForAnswer = false
  /// Kept so that a response whose call was lost can be told apart from one that can be sent.
  var toolResponse: ToolResponse?

  init(frame: [UInt8], kind: Kind) {
    self.frame = frame
    self.kind = kind
  }

  /// Encodes `message`. Runs on the sender's thread.
  ///
  /// - Throws: ``BrokerError/Code/invalidMessage`` for what the service is known to hang up on; the
  ///   session would be lost with it.
  init(_ message: ClientMessage) throws(BrokerError) {
    if let objection = Self.objection(to: message) {
      throw BrokerError(.invalidMessage, message: objection)
    }
    switch message {
    case .realtimeInput(let input):
      self.init(input, frame: message.encoded())
    case .clientContent(let content):
      self.init(frame: message.encoded(), kind: .text)
      asksForAnswer = content.turnComplete
    case .toolResponse(let response):
      self.init(frame: message.encoded(), kind: .toolResponse)
      toolResponse = response
      asksForAnswer = true
    case .setup, .contextUpdate, .unknown:
      self.init(frame: message.encoded(), kind: .text)
    }
  }

  private static func objection(to message: ClientMessage) -> String? {
    let setup = "a session's setup is sent by the broker, once a connection"
    switch message {
    case .setup: return setup
    case .toolResponse(let response):
      let isFit = response.functionResponses.allSatisfy { result in
        result.response == .null || result.response.objectValue != nil
      }
      return isFit ? nil : "the response of a function must be a JSON object"
    case .unknown(let json):
      guard let object = json.objectValue else { return "a message is a JSON object" }
      return object["setup"] == nil ? nil : setup
    case .clientContent, .realtimeInput, .contextUpdate: return nil
    }
  }

  private init(_ input: RealtimeInput, frame: [UInt8]) {
    let audio = (input.audio?.data.count ?? 0) + input.mediaChunks.reduce(0) { $0 + $1.data.count }
    let video = input.video?.data.count ?? 0
    if input.text != nil {
      self.init(frame: frame, kind: .text)
      asksForAnswer = true
    } else if audio > 0 {
      self.init(frame: frame, kind: .audio)
    } else if video > 0 {
      self.init(frame: frame, kind: .video)
    } else {
      self.init(frame: frame, kind: .activity)
      asksForAnswer = input.activityEnd || input.audioStreamEnd == true
    }
    mediaBytes = audio + video
  }
}
