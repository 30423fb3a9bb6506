// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// One recorded file.
struct Fixture: Sendable, CustomTestStringConvertible {
  var name: String
  var content: PlainJSON
  var testDescription: String { name }
}

/// The files recorded from Google's Python SDK; `Fixtures/README.md` tells what they mean.
enum FixtureCorpus {
  static let clientMessages =
    load("live", suffix: ".client.json") + load("live/vertex", suffix: ".client.json")
  static let setups = load("live", suffix: ".setup.json")
  static let serverMessages = load("live/server", suffix: ".json")
  static let tokenRequests = load("auth_tokens", suffix: ".request.json")
  static let tokenResponses = load("auth_tokens/responses", suffix: ".json")
  static let connects = load("live/connect", suffix: ".json")

  static func file(_ path: String) throws -> PlainJSON {
    let url = root.appendingPathComponent(path)
    return try JSONDecoder().decode(PlainJSON.self, from: Data(contentsOf: url))
  }

  /// Every file of the corpus, by its path.
  static var paths: [String] {
    let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String }
    return (files ?? []).filter { $0.hasSuffix(".json") }.sorted()
  }

  private static var root: URL {
    Bundle.module.bundleURL.appendingPathComponent("Fixtures")
  }

  private static func load(_ folder: String, suffix: String) -> [Fixture] {
    let url = root.appendingPathComponent(folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return names.filter { $0.hasSuffix(suffix) }.sorted().compactMap { name in
      guard let content = try? file("\(folder)/\(name)") else { return nil }
      return Fixture(name: "\(folder)/\(name)", content: content)
    }
  }
}
