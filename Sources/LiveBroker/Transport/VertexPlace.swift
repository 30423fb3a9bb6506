// SPDX-License-Identifier: Apache-2.0

/// Where in Vertex a session lives: a project and a location, from which host and model name follow.
public struct VertexPlace: Sendable, Hashable {
  /// The project's id; nil in express mode, whose key stands for its project.
  public let project: String?
  /// A region such as `us-central1`, a multi-region (`us`, `eu`), or `global`.
  public let location: String

  /// A place in a project.
  public init(project: String, location: String = "global") {
    self.project = project
    self.location = location
  }

  private init() {
    project = nil
    location = "global"
  }

  /// Express mode: no project and no location.
  public static let express = VertexPlace()

  /// Its endpoint (live-api.md B.1): regions have hosts of their own, multi-regions another form.
  public var endpoint: LiveEndpoint { LiveEndpoint(host: host, service: .vertex) }

  private var host: String {
    switch location {
    case "global": "aiplatform.googleapis.com"
    case "us", "eu": "aiplatform.\(location).rep.googleapis.com"
    default: "\(location)-aiplatform.googleapis.com"
    }
  }

  /// The resource name of a model of Google's; a name that has a path already is left as it is.
  public func model(_ name: String) -> String {
    if name.contains("/") { return name }
    let model = "publishers/google/models/\(name)"
    return project.map { "projects/\($0)/locations/\(location)/\(model)" } ?? model
  }
}
